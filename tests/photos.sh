# Read by the scripts that want real photos. It fetches Debian's package lomiri-wallpapers-16.04 into the ignored folder
# .servers, once, without installing it. Its pictures are under CC BY 4.0, CC BY-SA 4.0 and CC0; their names say who made them.
#
# To be read after tests/node.sh. Defines `photos`.
# shellcheck shell=bash disable=SC2154

# photos FOLDER NAME...: these of its pictures as FOLDER/NAME.jpg, each named without who made it.
photos() {
    local package=lomiri-wallpapers-16.04 work name
    [ ! -d "$1" ] || return 0
    command -v apt-get >/dev/null || fail "no apt-get to fetch photos with."
    echo "fetching photos from Debian's $package (16 MB)" >&2
    work=$(mktemp -d "$servers/work.XXXXXX")
    # As root apt would warn that its own user cannot write here.
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download $package) >&2 ||
        { rm -rf "$work"; fail "the download failed. Run 'apt-get update' as root."; }
    dpkg-deb -x "$work"/$package*.deb "$work/package"
    mkdir "$work/photos"
    for name in "${@:2}"; do
        cp "$work/package/usr/share/backgrounds/$name.jpg" "$work/photos/${name%%_by_*}.jpg"
    done
    # All at once; another may have been faster.
    mv -T "$work/photos" "$1" 2>/dev/null || true
    rm -rf "$work"
}
