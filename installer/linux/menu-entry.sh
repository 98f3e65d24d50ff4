#!/bin/sh
# Puts the program of this folder into the menu of this person, with its icons and kinds of files, or takes it out again.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
share="${XDG_DATA_HOME:-$HOME/.local/share}"

renew() {
    if command -v update-desktop-database >/dev/null 2>&1; then
        update-desktop-database "$share/applications" || true
    fi
    if command -v update-mime-database >/dev/null 2>&1; then
        update-mime-database "$share/mime" || true
    fi
}

case "${1:-}" in
install)
    mkdir -p "$share/applications" "$share/mime/packages" "$share/icons"
    sed "s|^Exec=[^ ]*|Exec=\"$here/tsdesktop\"|" "$here/share/applications/tsdesktop.desktop" \
        >"$share/applications/tsdesktop.desktop"
    cp "$here/share/mime/packages/tsdesktop.xml" "$share/mime/packages/"
    cp -r "$here/share/icons/hicolor" "$share/icons/"
    renew
    ;;
remove)
    rm -f "$share/applications/tsdesktop.desktop" "$share/mime/packages/tsdesktop.xml"
    (cd "$here/share/icons" && find hicolor -type f) | while read -r icon; do
        rm -f "$share/icons/$icon"
    done
    renew
    ;;
*)
    echo "use: menu-entry.sh install|remove" >&2
    exit 2
    ;;
esac
