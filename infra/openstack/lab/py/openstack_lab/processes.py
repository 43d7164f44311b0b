"""Starts and ends the lab's processes, and only those.

RUN/NAME.pid holds the pid of a session leader that we started and the time at
which it began, so that a pid given to somebody else since is not taken for ours.
"""
import os
import pathlib
import signal
import socket
import subprocess
import time

from openstack_lab.settings import (DATA, ETC, LAB, LOG, NICE, PORTS, PY, RUN,
                                    conf)

ENV = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8',
       'LC_ALL': 'C.UTF-8', 'HOME': str(LAB / 'home'), 'PYTHONPATH': str(PY),
       'PYTHONNOUSERSITE': '1', 'PYTHONWARNINGS': 'ignore',
       'PYTHONDONTWRITEBYTECODE': '1', 'TOLLHOUSE_LAB_DIR': str(LAB)}


class Failed(Exception):
    """What a person is told."""


def stat(pid):
    """State and time of beginning of a process; None where there is none."""
    try:
        text = pathlib.Path('/proc/%d/stat' % pid).read_text()
    except OSError:
        return None
    fields = text.rsplit(') ', 1)[1].split()
    return fields[0], fields[19]


def pid_of(name):
    """The pid of that service if it runs."""
    try:
        pid, began = (RUN / (name + '.pid')).read_text().split()
    except (OSError, ValueError):
        return None
    found = stat(int(pid))
    return int(pid) if found and found[1] == began and found[0] != 'Z' else None


def tail(log, lines=15):
    try:
        return '\n'.join(log.read_text(errors='replace').splitlines()[-lines:])
    except OSError:
        return ''


def start(name, *command, **env):
    if pid_of(name):
        return
    with open(LOG / (name + '.log'), 'ab') as log:
        p = subprocess.Popen(['nice', '-n', NICE, *map(str, command)],
                             env={**ENV, **env}, cwd=LAB / 'home', stdout=log,
                             stderr=log, stdin=subprocess.DEVNULL,
                             start_new_session=True)
    (RUN / (name + '.pid')).write_text('%d %s\n' % (p.pid, stat(p.pid)[1]))


def run(log, *command, **env):
    """Runs a command to its end."""
    path = LOG / (log + '.log')
    with open(path, 'ab') as out:
        done = subprocess.run(['nice', '-n', NICE, *map(str, command)],
                              env={**ENV, **env}, cwd=LAB / 'home', stdout=out,
                              stderr=out, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed('%s\nfailed (%d): %s; all of it is in %s' % (
            tail(path), done.returncode, ' '.join(map(str, command)), path))


def launch(entry, *args):
    return ('/usr/bin/python3', PY / 'openstack_lab/launch.py', entry, *args)


def manage(name, entry, *args):
    service = name.split('-')[0]
    run(name, *launch(entry, name, '--config-file', conf(service), *args))


def stop(names, seconds=15, how=signal.SIGTERM):
    """Ends sessions, by force those that stay."""
    left = {}
    for name in names:
        if pid := pid_of(name):
            left[name] = pid
            kill(pid, how)
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        left = {name: pid for name, pid in left.items() if alive(pid)}
        time.sleep(0.05)
    for pid in left.values():
        kill(pid, signal.SIGKILL)
    for name in names:
        (RUN / (name + '.pid')).unlink(missing_ok=True)


def kill(session, how):
    try:
        os.killpg(session, how)
    except ProcessLookupError:
        pass


def alive(session):
    try:
        os.killpg(session, 0)
        return stat(session) is None or stat(session)[0] != 'Z'
    except ProcessLookupError:
        return False


def listens(port):
    try:
        socket.create_connection(('127.0.0.1', port), 2).close()
        return True
    except OSError:
        return False


def wait(what, seconds, name, ready):
    """Waits until ready() is true; fails at once when the process has died."""
    until = time.monotonic() + seconds
    log = LOG / (name + '.log')
    while not ready():
        if not pid_of(name):
            raise Failed('%s\n%s died; all of it is in %s' % (tail(log), name, log))
        if time.monotonic() > until:
            raise Failed('%s\n%s is not ready after %d s; all of it is in %s' % (
                tail(log), what, seconds, log))
        time.sleep(0.3)


def wait_port(name, seconds=240):
    wait(name, seconds, name, lambda: listens(PORTS[name]))


def sql(statement):
    """One statement of the database's administrator; None if it can't be run."""
    done = subprocess.run(['mariadb', '--no-defaults', '-u', 'root', '-N',
                           '--socket=%s/mysqld.sock' % RUN, '-e', statement],
                          env=ENV, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def rabbit_env():
    version = next(pathlib.Path('/usr/lib/rabbitmq/lib').iterdir())
    etc = ETC / 'rabbitmq'
    return {
        'HOME': str(DATA / 'rabbitmq'), 'RABBITMQ_HOME': str(version),
        'RABBITMQ_NODENAME': 'tollhouse-lab@localhost',
        'RABBITMQ_CONF_ENV_FILE': str(etc / 'none'),
        'RABBITMQ_CONFIG_FILE': str(etc / 'rabbitmq.conf'),
        'RABBITMQ_ADVANCED_CONFIG_FILE': str(etc / 'advanced.config'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(etc / 'enabled_plugins'),
        'RABBITMQ_MNESIA_BASE': str(DATA / 'rabbitmq/mnesia'),
        'RABBITMQ_LOG_BASE': str(LOG),
        'RABBITMQ_PID_FILE': str(RUN / 'rabbitmq.beam'),
        'RABBITMQ_DIST_PORT': str(PORTS['rabbitmq-dist']),
        'ERL_EPMD_PORT': str(PORTS['epmd']), 'ERL_EPMD_ADDRESS': '127.0.0.1',
        # One scheduler, which does not spin while it waits.
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 '
            '+sbwt none +sbwtdcpu none +sbwtdio none'}


def uwsgi(name, **env):
    start(name, '/usr/bin/uwsgi-core', '--plugins', 'python3',
          '--http-socket', '127.0.0.1:%d' % PORTS[name],
          '--wsgi-file', PY / (name + '.wsgi'), '--processes', '1',
          '--threads', '8', '--enable-threads', '--need-app', '--die-on-term',
          '--buffer-size', '65535', '--add-header', 'Connection: close',
          '--disable-logging', '--thunder-lock', '--procname', name, **env)


# What each Python service runs.
ENTRIES = {
    'nova-conductor': 'nova.cmd.conductor:main',
    'neutron-server': 'neutron.cmd.eventlet.server:main',
    'nova-api': 'nova.cmd.api_os_compute:main',
    'nova-scheduler': 'nova.cmd.scheduler:main',
    'glance-api': 'glance.cmd.api:main',
    'cinder-api': 'cinder.cmd.api:main',
    'cinder-scheduler': 'cinder.cmd.scheduler:main',
    'cinder-volume': 'cinder.cmd.volume:main',
    'heat-engine': 'heat.cmd.engine:main',
    'heat-api': 'heat.cmd.api:main',
}


def start_service(name):
    """Starts one service by its name."""
    if name == 'mariadb':
        start(name, 'mariadbd', '--defaults-file=%s/mariadb/my.cnf' % ETC)
    elif name == 'memcached':
        start(name, 'memcached', '-u', 'root', '-l', '127.0.0.1', '-p',
              PORTS[name], '-U', 0, '-m', 64)
    elif name == 'epmd':
        start(name, 'epmd', '-port', PORTS[name], '-address', '127.0.0.1')
    elif name == 'rabbitmq':
        start(name, '/usr/lib/rabbitmq/bin/rabbitmq-server', **rabbit_env())
    elif name == 'keystone':
        uwsgi(name, OS_KEYSTONE_CONFIG_FILES=str(conf('keystone')))
    elif name == 'placement':
        uwsgi(name, OS_PLACEMENT_CONFIG_DIR=str(ETC / 'placement'))
    elif name.startswith('nova-compute-'):
        start(name, *launch('openstack_lab.compute:main', name,
                            '--config-file', conf('nova'), '--config-file',
                            ETC / 'nova' / (name[len('nova-'):] + '.conf')))
    elif name in ENTRIES:
        start(name, *launch(ENTRIES[name], name, '--config-file',
                            conf(name.split('-')[0])))
    else:
        raise Failed('there is no service %s' % name)


def services():
    """Everything that may run, in the order in which it is stopped."""
    computes = sorted(p.stem for p in RUN.glob('nova-compute-*.pid'))
    return computes + ['heat-api', 'heat-engine', 'cinder-api', 'cinder-volume',
                       'cinder-scheduler', 'nova-api', 'nova-scheduler',
                       'nova-conductor', 'neutron-server', 'glance-api',
                       'placement', 'keystone', 'rabbitmq', 'epmd',
                       'memcached', 'mariadb']
