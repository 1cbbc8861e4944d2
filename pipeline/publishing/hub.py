"""A folder and a repository on the Hub: what differs, and making them equal in one commit.

A commit carries only what differs, and what an earlier, interrupted attempt has transferred is not sent again: the
Hub keeps a large file from the moment that it has it, whether or not a commit names it yet. A reader sees the old
state or the new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.errors import UserError
from pipeline.publishing.hub_errors import hub_errors

if TYPE_CHECKING:
    from huggingface_hub import HfApi

State = Literal["added", "changed", "removed", "unchanged"]


@dataclass(frozen=True)
class Target:
    """A repository on the Hub. ``own_files`` are patterns of the files there that are ours to remove."""

    name: str
    kind: Literal["dataset", "model"]
    private: bool = False
    revision: str | None = None
    own_files: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class Change:
    """What would become of one file; ``size`` in bytes, of the removed file where it is removed."""

    path: str
    size: int
    state: State


def differences(api: "HfApi", folder: Path, target: Target) -> list[Change]:
    """Return the state of every file of the folder, and the repository's own files that the folder lacks, by path.

    Files are compared by their content's hash. A repository that does not exist has no files; a branch that does not
    exist has those of the main one, from which it would begin.

    Raises:
        UserError: the Hub refuses or can't be reached.
    """
    with hub_errors(str(target), api.endpoint):
        there = _files_there(api, target)
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    changes = [Change(name, path.stat().st_size, _state(path, there.get(name))) for name, path in here.items()]
    gone = [name for name in there.keys() - here.keys() if any(fnmatch(name, own) for own in target.own_files)]
    changes += [Change(name, there[name].size, "removed") for name in gone]
    return sorted(changes, key=lambda change: change.path)


def send(api: "HfApi", folder: Path, target: Target, changes: Sequence[Change]) -> str | None:
    """Make the repository equal to the folder; return the commit's address, None if nothing differed.

    The repository and the branch are made if they are missing.

    Args:
        api: the Hub.
        folder: what to send.
        target: where to.
        changes: what ``differences`` returned.

    Raises:
        UserError: the Hub refuses or can't be reached; called again, it goes on where it stopped.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationDelete(change.path)
        if change.state == "removed"
        else CommitOperationAdd(change.path, folder / change.path)
        for change in changes
        if change.state != "unchanged"
    ]
    with hub_errors(str(target), api.endpoint):
        _make(api, target)
        if not operations:
            return None
        return api.create_commit(
            target.name,
            operations,
            commit_message=f"{len(operations)} files added, changed or removed",
            repo_type=target.kind,
            revision=target.revision,
        ).commit_url


@dataclass(frozen=True)
class _There:
    """A file in the repository: its size in bytes, and the hash of a large file or of a git blob."""

    size: int
    blob_id: str
    sha256: str | None


def _files_there(api: "HfApi", target: Target) -> dict[str, _There]:
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.hf_api import RepoFile

    try:
        tree = list(api.list_repo_tree(target.name, recursive=True, repo_type=target.kind, revision=target.revision))
    except RepositoryNotFoundError:
        return {}
    except RevisionNotFoundError:
        if target.revision is None:
            raise
        return _files_there(api, replace(target, revision=None))
    files = (entry for entry in tree if isinstance(entry, RepoFile))
    return {file.path: _There(file.size, file.blob_id, file.lfs.sha256 if file.lfs else None) for file in files}


def _state(path: Path, there: _There | None) -> State:
    from huggingface_hub.utils.sha import git_hash, sha_fileobj

    if there is None:
        return "added"
    if path.stat().st_size != there.size:
        return "changed"
    if there.sha256 is None:
        return "unchanged" if git_hash(path.read_bytes()) == there.blob_id else "changed"
    with path.open("rb") as file:
        return "unchanged" if sha_fileobj(file).hex() == there.sha256 else "changed"


def _make(api: "HfApi", target: Target) -> None:
    """Make the repository and the branch unless they are there."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.repo_info(target.name, repo_type=target.kind)
    except RepositoryNotFoundError:
        api.create_repo(target.name, repo_type=target.kind, private=target.private, exist_ok=True)
    else:
        if target.private and not info.private:
            raise UserError(
                f"{target}: exists and is public; --private is for a new repository (make it private in its settings)"
            )
    if target.revision:
        api.create_branch(target.name, branch=target.revision, repo_type=target.kind, exist_ok=True)
