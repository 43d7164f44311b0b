"""The lab's commands; the script beside it says what they are."""
import concurrent.futures
import fcntl
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

from openstack_lab import processes as p
from openstack_lab import settings as s

SCHEMAS = ('keystone', 'placement', 'glance', 'neutron', 'nova_api',
           'nova_cell0', 'nova', 'cinder', 'heat')
COMPUTE_NAMES = ['nova-compute-%d' % i for i in range(1, s.COMPUTES + 1)]
began = time.monotonic()


def say(words):
    print('lab: %s (%d s)' % (words, time.monotonic() - began), flush=True)


def lock():
    """One lab at work at a time; "up" has the lock from the script before us."""
    if sys.argv[1] != 'up' and s.LAB.exists():
        lock.file = open(s.LAB / '.lock', 'w')
        fcntl.flock(lock.file, fcntl.LOCK_EX)


def content(step):
    p.run('content', '/usr/bin/python3', s.PY / 'openstack_lab/content.py', step,
          TOLLHOUSE_LAB_COMPUTES=str(s.COMPUTES))


def keystone_schema():
    entry = 'keystone.cmd.manage:main'
    p.manage('keystone-manage', entry, 'db_sync')
    for keys in ('fernet_setup', 'credential_setup'):
        p.manage('keystone-manage', entry, keys, '--keystone-user', 'root',
                 '--keystone-group', 'root')
    p.manage('keystone-manage', entry, 'bootstrap',
             '--bootstrap-password', s.PASSWORD,
             '--bootstrap-region-id', s.REGION,
             '--bootstrap-service-name', 'keystone',
             '--bootstrap-public-url', s.AUTH_URL,
             '--bootstrap-internal-url', s.AUTH_URL,
             '--bootstrap-admin-url', s.AUTH_URL)


def nova_schema():
    entry = 'nova.cmd.manage:main'
    p.manage('nova-manage', entry, 'api_db', 'sync')
    p.manage('nova-manage', entry, 'cell_v2', 'map_cell0',
             '--database_connection', s.database('nova_cell0')['connection'])
    p.manage('nova-manage', entry, 'db', 'sync')
    if not p.sql("select uuid from nova_api.cell_mappings where name = 'cell1'"):
        p.manage('nova-manage', entry, 'cell_v2', 'create_cell', '--name', 'cell1')


def make_schemas():
    done = s.DATA / '.schemas'
    if done.exists():
        return
    say('making the databases, once')
    for name in SCHEMAS:
        p.sql('create database if not exists %s character set utf8mb3' % name)
    work = [  # the long ones first
        lambda: p.manage('neutron-db-manage', 'neutron.db.migration.cli:main',
                         'upgrade', 'heads'),
        nova_schema,
        lambda: p.manage('cinder-manage', 'cinder.cmd.manage:main', 'db', 'sync'),
        keystone_schema,
        lambda: p.manage('heat-manage', 'heat.cmd.manage:main', 'db_sync'),
        lambda: p.manage('glance-manage', 'glance.cmd.manage:main', 'db_sync'),
        lambda: p.manage('placement-manage', 'placement.cmd.manage:main',
                         'db', 'sync'),
    ]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for job in [pool.submit(one) for one in work]:
            job.result()
    done.touch()


def start_database():
    made = s.DATA / 'mariadb/.made'
    if not made.exists():
        shutil.rmtree(made.parent, ignore_errors=True)
        made.parent.mkdir(parents=True)
        p.run('mariadb-install', 'mariadb-install-db', '--no-defaults',
              '--user=root', '--datadir=%s' % made.parent, '--skip-test-db',
              '--auth-root-authentication-method=normal')
        made.touch()
    p.start_service('mariadb')


def wait_for_all(seconds):
    until = time.monotonic() + seconds
    while True:
        try:
            return content('ready')
        except p.Failed:
            if time.monotonic() > until:
                raise
        for name in p.services():
            if not p.pid_of(name):
                log = s.LOG / (name + '.log')
                raise p.Failed('%s\n%s died; all of it is in %s' % (
                    p.tail(log), name, log))
        time.sleep(1)


def up():
    s.write()
    for name, port in s.PORTS.items():
        if name != 'rabbitmq-dist' and not p.pid_of(name) and p.listens(port):
            raise p.Failed('port %d, which %s needs, is in use' % (port, name))
    start_database()
    p.start_service('memcached')
    p.start_service('epmd')
    p.wait_port('epmd', 30)
    p.start_service('rabbitmq')
    p.wait('MariaDB', 120, 'mariadb', lambda: p.sql('select 1') == '1')
    make_schemas()
    say('starting Keystone and Placement')
    p.start_service('keystone')
    p.start_service('placement')
    p.wait_port('keystone')
    known = s.DATA / '.identity'
    if not known.exists():
        content('identity')
        known.touch()
    p.wait_port('rabbitmq', 180)
    say('starting Glance, Neutron, Nova, Cinder and Heat')
    for name in [*p.ENTRIES, *COMPUTE_NAMES]:
        p.start_service(name)
    for name in ('placement', 'glance-api', 'neutron-server', 'nova-api',
                 'cinder-api', 'heat-api'):
        p.wait_port(name)
    content('resources')
    for name in COMPUTE_NAMES:
        p.wait(name, 240, name, lambda: int(p.sql(
            'select count(*) from nova.compute_nodes where deleted = 0')
            or 0) >= s.COMPUTES)
    if int(p.sql('select count(*) from nova_api.host_mappings')) < s.COMPUTES:
        p.manage('nova-manage', 'nova.cmd.manage:main', 'cell_v2', 'discover_hosts')
    wait_for_all(240)
    say('up')


def down():
    below = ('rabbitmq', 'epmd', 'memcached', 'mariadb')
    p.stop([name for name in p.services() if name not in below])
    p.stop(below, 40)
    say('down')


def memory(session):
    """Resident MiB of all processes of a session."""
    total = 0
    for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            if stat.read_text().rsplit(') ', 1)[1].split()[3] == str(session):
                pages = (stat.parent / 'statm').read_text().split()
                total += int(pages[1]) - int(pages[2])  # without what is shared
        except OSError:
            pass
    return total * os.sysconf('SC_PAGE_SIZE') >> 20


def status():
    total, dead = 0, 0
    for name in reversed(p.services()):
        pid = p.pid_of(name)
        size = memory(pid) if pid else 0
        total, dead = total + size, dead + (pid is None)
        print('%-18s %-8s %8s %6d MiB' % (
            name, 'running' if pid else 'stopped', pid or '-', size))
    print('%-18s %8s %8s %6d MiB' % ('total', '', '', total))
    return 3 if dead else 0


def settings():
    return {'OS_AUTH_URL': s.AUTH_URL, 'OS_IDENTITY_API_VERSION': '3',
            'OS_USERNAME': 'admin', 'OS_PASSWORD': s.PASSWORD,
            'OS_PROJECT_NAME': 'admin', 'OS_USER_DOMAIN_NAME': 'Default',
            'OS_PROJECT_DOMAIN_NAME': 'Default', 'OS_REGION_NAME': s.REGION,
            'OS_INTERFACE': 'public'}


def env():
    for pair in settings().items():
        print('export %s=%s' % (pair[0], shlex.quote(pair[1])))


def clouds(path):
    pathlib.Path(path).write_text('''clouds:
  lab:
    auth:
      auth_url: %s
      username: admin
      password: %s
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: %s
    interface: public
''' % (s.AUTH_URL, s.PASSWORD, s.REGION))


def start(*names):
    for name in names:
        p.start_service(name)
        if name in s.PORTS:
            p.wait_port(name)


def wipe():
    if not s.LAB.exists():
        return
    if not (s.LAB / 'pkg').exists():
        raise p.Failed('%s does not look like a lab: it stays' % s.LAB)
    down()
    shutil.rmtree(s.LAB)


COMMANDS = {
    'up': up, 'down': down, 'status': status, 'env': env, 'clouds': clouds,
    'start': start, 'wipe': wipe,
    'stop': lambda *names: p.stop(names),
    'kill': lambda *names: p.stop(names, 5, signal.SIGKILL),
}

try:
    if sys.argv[1] not in ('env', 'clouds', 'status'):
        lock()
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
except p.Failed as failed:
    sys.exit('lab: %s' % failed)
except subprocess.SubprocessError as failed:
    sys.exit('lab: %s' % failed)
