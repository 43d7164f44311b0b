#!/bin/sh
# Makes this machine a host, a worker, a standby or an agent of Tollhouse. It may be run again: what
# is done already is left as it is.
#
#   sh install.sh ROLE OPERATOR        with token=... in a line before the script,
#                                      in TOLLHOUSE_ENROL_TOKEN, or asked for
set -eu
umask 077

control=@CONTROL@
digest=@DIGEST@
role=@ROLE@
operator=@OPERATOR@
@TOKEN@

say() { printf 'tollhouse: %s\n' "$1"; }

fail() {
	printf 'tollhouse: %s\n' "$1" >&2
	exit 1
}

# Where things go. A local site keeps all of it in its own folder and changes
# nothing of the machine.
layout() {
	if [ -n "${TOLLHOUSE_LOCAL_SITE:-}" ]; then
		etc=$TOLLHOUSE_LOCAL_SITE/etc
		data=$TOLLHOUSE_LOCAL_SITE/data
		listen=${TOLLHOUSE_LOCAL_LISTEN:-127.0.0.1:0}
		secure=127.0.0.1:0
		systemwide=no
	else
		etc=/etc/tollhouse
		data=/var/lib/tollhouse
		listen=0.0.0.0:8080
		secure='' # the program's own choice
		# between a site's machines its firewall lets no other port through
		if [ "$role" = worker ]; then listen=0.0.0.0:443; fi
		listen=${TOLLHOUSE_LOCAL_LISTEN:-$listen}
		systemwide=yes
	fi
	bin=$data/bin/$digest/tollhouse
	database_url=${TOLLHOUSE_DATABASE_URL:-}
	# the program refuses settings that it does not know
	unset TOLLHOUSE_LOCAL_SITE TOLLHOUSE_LOCAL_LISTEN TOLLHOUSE_DATABASE_URL
}

check() {
	case $role in
	host | worker | standby | agent) ;;
	*) fail "the role is '$role': host, worker, standby or agent is wanted, as in: sh -s -- host OPERATOR" ;;
	esac
	[ -n "$operator" ] || fail "the operator's name is missing, as in: sh -s -- $role OPERATOR"
	[ "$(uname -s)" = Linux ] || fail "this is $(uname -s): Linux is wanted"
	[ "$(uname -m)" = x86_64 ] || fail "this machine is $(uname -m): x86_64 is wanted"
	if [ "$systemwide" = yes ] && [ "$(id -u)" != 0 ]; then
		fail "root is wanted: put sudo before sh"
	fi
	for tool in sha256sum mktemp; do
		command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing: install coreutils"
	done
}

# Debian's PostgreSQL, without a cluster of its own: the host makes one, and a
# standby copies that.
database() {
	[ "$role" = host ] || [ "$role" = standby ] || return 0
	[ -z "$database_url" ] || return 0
	for initdb in /usr/lib/postgresql/1[5-9]/bin/initdb; do
		[ ! -x "$initdb" ] || return 0
	done
	[ "$systemwide" = yes ] || fail "PostgreSQL 15 or later is missing on this machine: install it with apt-get install postgresql"
	command -v apt-get >/dev/null 2>&1 || fail "PostgreSQL 15 or later is missing, and this is no Debian: install its server, then run this again"
	say "installing PostgreSQL"
	mkdir -p /etc/postgresql-common/createcluster.d
	echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/tollhouse.conf
	chmod -R a+rX /etc/postgresql-common
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q </dev/null || fail "apt-get update failed: see above"
	apt-get install -y -q --no-install-recommends postgresql pgbackrest ca-certificates curl </dev/null || fail "PostgreSQL could not be installed: see above"
}

fetch() {
	if command -v curl >/dev/null 2>&1; then
		curl -fsS --retry 8 --retry-connrefused --retry-delay 2 --connect-timeout 10 -o "$2" "$1"
	elif command -v wget >/dev/null 2>&1; then
		wget -q --tries=8 --waitretry=2 --timeout=30 -O "$2" "$1"
	else
		fail "neither curl nor wget is here: install one of them"
	fi
}

is_whole() { [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$digest" ]; }

# The program is named by its digest. Anything else is thrown away.
program() {
	if [ -x "$bin" ] && is_whole "$bin"; then
		return 0
	fi
	say "fetching the program from $control"
	mkdir -p "$data/bin/$digest"
	fresh=$(mktemp "$data/bin/fresh.XXXXXX")
	if ! fetch "$control/downloads/$digest" "$fresh"; then
		rm -f "$fresh"
		fail "the program could not be fetched from $control: is the address reachable from here?"
	fi
	if ! is_whole "$fresh"; then
		rm -f "$fresh"
		fail "what came from $control is not the program with digest $digest: nothing was installed"
	fi
	chmod 755 "$fresh"
	mv -f "$fresh" "$bin"
}

settings() {
	mkdir -p "$etc"
	{
		echo "TOLLHOUSE_CONTROL_URL=$control"
		echo "TOLLHOUSE_DATA=$data"
		if [ "$role" = host ] || [ "$role" = worker ]; then echo "TOLLHOUSE_LISTEN=$listen"; fi
		if [ "$role" = host ]; then
			if [ -n "$secure" ]; then echo "TOLLHOUSE_LISTEN_TLS=$secure"; fi
			if [ -n "$database_url" ]; then echo "TOLLHOUSE_DATABASE_URL=$database_url"; fi
		fi
	} >"$etc/tollhouse.env.new"
	mv -f "$etc/tollhouse.env.new" "$etc/tollhouse.env"
	ln -sfn "$bin" "$data/bin/current.new"
	mv -fT "$data/bin/current.new" "$data/bin/current"
}

ask_token() {
	token=${token:-${TOLLHOUSE_ENROL_TOKEN:-}}
	[ -z "$token" ] || return 0
	if [ ! -r /dev/tty ]; then
		fail "the enrolment token is missing: put the line token=... before this script"
	fi
	printf 'Enrolment token: ' >/dev/tty
	stty -echo </dev/tty
	read -r token </dev/tty || true
	stty echo </dev/tty
	echo >/dev/tty
	[ -n "$token" ] || fail "the enrolment token is missing"
}

# The token goes by a file that only we can read, never on a command line; the
# file goes as soon as it was used.
enrol() {
	if [ ! -s "$data/machine/identity.json" ]; then
		ask_token
		printf '%s\n' "$token" >"$etc/token"
	fi
	unset token TOLLHOUSE_ENROL_TOKEN
	if ! TOLLHOUSE_CONTROL_URL=$control TOLLHOUSE_DATA=$data "$bin" enrol --role "$role" --operator "$operator" --token-file "$etc/token"; then
		rm -f "$etc/token"
		fail "this machine was not taken in: see above"
	fi
	rm -f "$etc/token"
}

unit() {
	cat <<UNIT
[Unit]
Description=Tollhouse $role
Wants=network-online.target
After=network-online.target

[Service]
User=tollhouse
EnvironmentFile=$etc/tollhouse.env
ExecStart=$data/bin/current $role
Restart=always
RestartSec=2
TimeoutStopSec=90
KillMode=mixed
LimitNOFILE=65536
NoNewPrivileges=yes
AmbientCapabilities=CAP_NET_BIND_SERVICE
ProtectSystem=full
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
UNIT
}

start_systemd() {
	id tollhouse >/dev/null 2>&1 || useradd --system --home-dir "$data" --shell /usr/sbin/nologin tollhouse
	chown -R tollhouse "$data"
	file=/etc/systemd/system/tollhouse-$role.service
	unit >"$etc/unit.new"
	if [ -f "$file" ] && cmp -s "$etc/unit.new" "$file" && systemctl is-active -q "tollhouse-$role"; then
		rm -f "$etc/unit.new"
		say "tollhouse-$role runs already"
		return 0
	fi
	mv -f "$etc/unit.new" "$file"
	chmod 644 "$file"
	systemctl daemon-reload
	systemctl enable -q "tollhouse-$role"
	systemctl restart "tollhouse-$role" || fail "tollhouse-$role does not start: journalctl -u tollhouse-$role tells why"
}

start_plain() {
	pid=$(cat "$data/$role.pid" 2>/dev/null || true)
	if [ -n "$pid" ] && grep -qs -- "$data/bin" "/proc/$pid/cmdline"; then
		say "the $role runs already, as process $pid"
		return 0
	fi
	while read -r line; do
		export "${line?}"
	done <"$etc/tollhouse.env"
	setsid "$data/bin/current" "$role" </dev/null >>"$data/$role.log" 2>&1 &
	echo $! >"$data/$role.pid"
	sleep 1
	kill -0 "$(cat "$data/$role.pid")" 2>/dev/null || fail "the $role ended at once: $data/$role.log tells why"
}

main() {
	[ $# -lt 1 ] || role=$1
	[ $# -lt 2 ] || operator=$2
	layout
	check
	mkdir -p "$data"
	chmod 755 "$data"
	database
	program
	settings
	enrol
	if [ "$systemwide" = yes ] && [ -d /run/systemd/system ]; then
		start_systemd
	else
		start_plain
	fi
	say "this machine works for $operator as $role and reports to $control"
}

main "$@"
