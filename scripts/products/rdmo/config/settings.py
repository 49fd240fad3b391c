"""Where it keeps its data, and that it sends no mail."""

import os

from rdmo.core.settings import *  # noqa: F403

FOLDER = os.environ["RDMO_FOLDER"]
SECRET_KEY = os.environ["RDMO_SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "config.urls"
# It is thrown away after the run, so nothing need wait for the disk.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{FOLDER}/rdmo.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA synchronous = OFF"},
    }
}
MEDIA_ROOT = f"{FOLDER}/media"
STATIC_ROOT = f"{FOLDER}/static"
PROJECT_SEND_INVITE = False
