"""Write `protocol/vectors/*.json`."""

from tests.vectors.files import FILES
from tests.vectors.parts import FOLDER

for name, file in FILES.items():
    (FOLDER / f"{name}.json").write_text(file.text())
