"""music.py FOLDER: six short tagged tones, of two artists. supysonic's own environment runs it, which has mutagen."""

import pathlib
import sys
import wave

from mutagen.id3 import TALB, TIT2, TPE1
from mutagen.wave import WAVE

ALBUMS = {
    ("First Band", "Harbour"): ("Crane", "Lantern"),
    ("First Band", "Low Water"): ("Sand", "Gull Call"),
    ("Second Band", "Paper"): ("Fold", "Float"),
}

number = 0
for (artist, album), titles in ALBUMS.items():
    folder = pathlib.Path(sys.argv[1], artist, album)
    folder.mkdir(parents=True)
    for title in titles:
        number += 1
        file = str(folder / f"{title}.wav")
        with wave.open(file, "wb") as tone:
            tone.setnchannels(1)
            tone.setsampwidth(2)
            tone.setframerate(8000)
            tone.writeframes(bytes([number, 0]) * 8000)
        tagged = WAVE(file)
        tagged.add_tags()
        for frame, text in ((TPE1, artist), (TALB, album), (TIT2, title)):
            tagged.tags.add(frame(encoding=3, text=text))
        tagged.save()
