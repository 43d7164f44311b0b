#!/usr/bin/env bash
# Installs Debian packages the project needs, each only where it is missing.
#   tools/install.sh postgres [test]
set -euo pipefail

missing=()
for set in "$@"; do
  case "$set" in
    postgres)
      compgen -G '/usr/lib/postgresql/1[5-9]/bin/initdb' >/dev/null || missing+=(postgresql-15)
      command -v pgbackrest >/dev/null || missing+=(pgbackrest)
      ;;
    test)
      command -v pdftotext >/dev/null || missing+=(poppler-utils)
      command -v chromium >/dev/null || missing+=(chromium)
      command -v curl >/dev/null || missing+=(curl)
      command -v jq >/dev/null || missing+=(jq)
      command -v pebble >/dev/null || missing+=(pebble)
      command -v ip >/dev/null || missing+=(iproute2)
      command -v shellcheck >/dev/null || missing+=(shellcheck)
      ;;
    *) echo "install.sh: unknown set '$set'" >&2; exit 2 ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Missing: ${missing[*]}. Install with: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${missing[*]} …"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
