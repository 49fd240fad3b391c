"""Two users with a token each, a catalogue with one question, and a task. Prints the tokens as JSON.

RDMO's own environment runs it. A site's staff does as much on its pages.
"""

import json

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from rdmo.domain.models import Attribute  # noqa: E402
from rdmo.questions.models import Catalog, Page, Question, Section  # noqa: E402
from rdmo.tasks.models import Task  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

PREFIX = "https://terms.example.com"

note = Attribute.objects.create(uri_prefix=PREFIX, key="note")
question = Question.objects.create(
    uri_prefix=PREFIX, uri_path="note", attribute=note, text_lang1="Note", widget_type="textarea", value_type="text"
)
page = Page.objects.create(uri_prefix=PREFIX, uri_path="page", title_lang1="Page")
section = Section.objects.create(uri_prefix=PREFIX, uri_path="section", title_lang1="Section")
catalog = Catalog.objects.create(uri_prefix=PREFIX, uri_path="catalog", title_lang1="Catalogue", available=True)
page.page_questions.create(question=question, order=1)
section.section_pages.create(page=page, order=1)
catalog.catalog_sections.create(section=section, order=1)
Task.objects.create(uri_prefix=PREFIX, uri_path="task", title_lang1="Task", available=True)

users = {name: User.objects.create_user(name, f"{name}@example.com") for name in ("north", "south")}
print(json.dumps({name: Token.objects.create(user=user).key for name, user in users.items()}))
