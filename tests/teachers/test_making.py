import pytest
from pydantic import TypeAdapter

from pipeline.records import content_hash
from pipeline.teachers import local
from pipeline.teachers.making import TeacherConfig, _settings, make


def test_a_journal_from_before_there_was_an_option_still_holds():
    config = local.Config.model_validate({"kind": "local", "model": "m"})
    section = {"kind": "local", "model": "m", "engine": "transformers", "revision": None}
    before = content_hash({**section, "temperature": 0.6, "top_p": 0.95, "max_new_tokens": 4096})
    assert _settings(config) == before
    assert _settings(config.model_copy(update={"logprobs": True})) != before


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
