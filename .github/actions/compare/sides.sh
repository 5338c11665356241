# Which sides are held against each other, and how; written to the step's outputs. The sides are the event's, unless the
# inputs name others. Needs ACTION, EVENT, INPUT_BEFORE, INPUT_AFTER, PAIRS, PULL_BASE, PULL_HEAD and PUSHED_FROM.
set -euo pipefail

stop() {
  echo "::error::speedproof: $1" >&2
  exit 2
}

has() { git cat-file -e "$1^{commit}" 2>/dev/null; }

# A checkout holds one commit unless the workflow asks for more.
fetched() { has "$1" || git fetch --quiet --no-tags --depth=1 origin "$1" 2>/dev/null && has "$1"; }
with_parents() { has HEAD^1 || git fetch --quiet --no-tags --depth=2 origin "$(git rev-parse HEAD)" 2>/dev/null || true; }
with_history() { [ "$(git rev-parse --is-shallow-repository)" = false ] || git fetch --quiet --no-tags --unshallow origin; }

of_pull_request() {
  with_parents
  # The merge commit that is checked out by default: its first parent is the base that it was made with.
  if has HEAD^2 && [ "$(git rev-parse HEAD^2)" = "$PULL_HEAD" ]; then
    git rev-parse HEAD^1
    return
  fi
  fetched "$PULL_BASE" || stop "the base $PULL_BASE cannot be fetched. Expected it in this repository, or the input 'before'."
  with_history
  git merge-base "$PULL_BASE" HEAD || stop "base and head have no commit in common. Expected one, or the input 'before'."
}

of_push() {
  # A new branch comes from nowhere, and a forced push from a commit that may be gone: the commit before is taken then.
  if [ -n "${PUSHED_FROM//0/}" ] && fetched "$PUSHED_FROM"; then
    git rev-parse "$PUSHED_FROM^{commit}"
    return
  fi
  with_parents
  git rev-parse --verify --quiet HEAD^1 || stop "the first commit has none before it. Expected the input 'before'."
}

of_event() {
  case "$EVENT" in
    pull_request) of_pull_request ;;
    push) of_push ;;
    # That event's token may write, and this runs the pull request's code.
    pull_request_target) stop "the event 'pull_request_target' is not safe for this. Expected 'pull_request'." ;;
    *) stop "the event '$EVENT' has no sides. Expected a pull request, a push, or the input 'before'." ;;
  esac
}

# A library's commit gets a folder, from which it can be installed; what is no commit is a requirement, a wheel or a folder.
installable() {
  if [ -e "$1" ] || ! fetched "$1" 2>/dev/null; then
    echo "$1"
    return
  fi
  git worktree add --quiet --detach "$RUNNER_TEMP/speedproof-$2" "$(git rev-parse "$1^{commit}")" >&2
  echo "$RUNNER_TEMP/speedproof-$2"
}

root="$(cd "$ACTION/../../.." && pwd -P)"
python="$root/.venv/bin/python"
if [ -n "${PAIRS//[[:space:]]/}" ]; then
  mode=pairs
  python=python
elif [ "$root" = "$(pwd -P)" ]; then
  mode=commits
else
  mode=libraries
fi
before="${INPUT_BEFORE:-$(of_event)}"
after="${INPUT_AFTER:-.}"
if [ "$mode" = libraries ]; then
  before="$(installable "$before" before)"
  after="$(installable "$after" after)"
elif [ "$after" != . ]; then
  stop "the input 'after' is for a library. Expected none: what is checked out is the side after."
else
  fetched "$before" || stop "'$before' is no commit of this repository. Expected one in the input 'before'."
  before="$(git rev-parse "$before^{commit}")"
fi
{
  echo "mode=$mode"
  echo "root=$root"
  echo "python=$python"
  echo "before=$before"
  echo "after=$after"
} >> "$GITHUB_OUTPUT"
