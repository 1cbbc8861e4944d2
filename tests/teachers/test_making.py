import pytest
from pydantic import TypeAdapter

from pipeline.teachers.making import TeacherConfig, make


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ({"kind": "openai", "base_url": "http://localhost:8000/v1", "model": "m"}, "m"),
        ({"kind": "scripted"}, "scripted"),
        ({"kind": "local", "model": "some/model"}, "some/model"),
        ({"kind": "transformers", "model": "some/model"}, "some/model"),
        ({"kind": "ensemble", "members": [{"teacher": {"kind": "scripted"}}]}, "scripted"),
    ],
)
def test_every_kind_of_teacher_can_be_made_from_a_recipe(section, name):
    assert make(TypeAdapter(TeacherConfig).validate_python(section)).name == name
