"""content.py identity|resources|ready: what the lab holds, made or awaited."""
import sys

from keystoneauth1 import session
from keystoneauth1.identity import v3

from openstack_lab.settings import AUTH_URL, COMPUTES, PASSWORD, REGION, url

sess = session.Session(auth=v3.Password(
    auth_url=AUTH_URL, username='admin', password=PASSWORD,
    user_domain_id='default', project_name='admin',
    project_domain_id='default'))


def api(service, method, path, **kw):
    return sess.request(path, method, endpoint_filter={
        'service_type': service, 'interface': 'public',
        'region_name': REGION}, **kw)


def ensure(service, path, many, body, **match):
    """The object of a collection that matches, made where it is missing."""
    match = match or {'name': body['name']}
    for item in api(service, 'GET', path).json()[many]:
        if all(item.get(k) == v for k, v in match.items()):
            return item
    one = many[:-1]
    path = path.split('?')[0].replace('/detail', '')
    return api(service, 'POST', path, json={one: body}).json()[one]


def grant(project, user, *roles):
    for role in roles:
        rid = ensure('identity', '/roles', 'roles', {'name': role})['id']
        api('identity', 'PUT', '%s/users/%s/roles/%s' % (project, user, rid))


def identity():
    catalog = [  # name, type, url, whether it has a user
        ('placement', 'placement', url('placement'), True),
        ('glance', 'image', url('glance-api'), True),
        ('neutron', 'network', url('neutron-server'), True),
        ('nova', 'compute', url('nova-api', '/v2.1'), True),
        ('cinder', 'block-storage',
         url('cinder-api', '/v3/$(project_id)s'), True),
        ('cinderv3', 'volumev3', url('cinder-api', '/v3/$(project_id)s'), False),
        ('heat', 'orchestration', url('heat-api', '/v1/$(project_id)s'), True),
    ]
    for role in ('admin', 'member', 'reader', 'service', 'heat_stack_owner',
                 'heat_stack_user'):
        ensure('identity', '/roles', 'roles', {'name': role})
    service_project = ensure('identity', '/projects', 'projects',
                             {'name': 'service', 'domain_id': 'default'})['id']

    def user(name, domain='default'):
        return ensure('identity', '/users?domain_id=' + domain, 'users',
                      {'name': name, 'domain_id': domain,
                       'password': PASSWORD})['id']

    for name, kind, address, has_user in catalog:
        sid = ensure('identity', '/services', 'services',
                     {'name': name, 'type': kind}, type=kind)['id']
        for interface in ('public', 'internal', 'admin'):
            ensure('identity', '/endpoints?service_id=' + sid, 'endpoints',
                   {'service_id': sid, 'interface': interface, 'url': address,
                    'region_id': REGION}, interface=interface)
        if has_user:
            grant('/projects/' + service_project, user(name), 'admin', 'service')
    # Heat keeps the users of its stacks in a domain of their own.
    heat = ensure('identity', '/domains', 'domains', {'name': 'heat'})['id']
    grant('/domains/' + heat, user('heat_domain_admin', heat), 'admin')
    admin = ensure('identity', '/projects', 'projects',
                   {'name': 'admin', 'domain_id': 'default'})['id']
    grant('/projects/' + admin, user('admin'), 'member', 'heat_stack_owner')


FLAVORS = [  # name, vCPU, MiB, GB
    ('tollhouse.small', 2, 4096, 20),
    ('tollhouse.medium', 4, 8192, 40),
    ('tollhouse.large', 8, 16384, 80),
    ('tollhouse.xlarge', 16, 65536, 160),
    ('lab.impossible', 4096, 4096, 20),  # larger than any host
]
IMAGE = 'debian-12'


def resources():
    for name, vcpus, ram, disk in FLAVORS:
        ensure('compute', '/flavors/detail?is_public=None', 'flavors',
               {'name': name, 'vcpus': vcpus, 'ram': ram, 'disk': disk})
    images = api('image', 'GET', '/v2/images?name=' + IMAGE).json()['images']
    if not images:
        images = [api('image', 'POST', '/v2/images', json={
            'name': IMAGE, 'disk_format': 'raw', 'container_format': 'bare',
            'visibility': 'public'}).json()]
    if images[0]['status'] == 'queued':
        api('image', 'PUT', '/v2/images/%s/file' % images[0]['id'],
            headers={'Content-Type': 'application/octet-stream'},
            data=b'no real disk\n' * 64)
    net = ensure('network', '/v2.0/networks', 'networks',
                 {'name': 'public', 'router:external': True, 'shared': True,
                  'provider:network_type': 'flat',
                  'provider:physical_network': 'physnet1'})['id']
    ensure('network', '/v2.0/subnets', 'subnets',
           {'name': 'public-subnet', 'network_id': net, 'ip_version': 4,
            'cidr': '198.18.0.0/16', 'gateway_ip': '198.18.0.1',
            'enable_dhcp': False})


def ready():
    """Fails unless all that works behind the APIs has reported."""
    hosts = api('compute', 'GET', '/os-hypervisors').json()['hypervisors']
    services = [s for kind in ('compute', 'block-storage') for s in
                api(kind, 'GET', '/os-services').json()['services']]
    up = [s['binary'] for s in services if s['state'] == 'up']
    up += [s['binary'] for s in
           api('orchestration', 'GET', '/services').json()['services']
           if s['status'] == 'up']
    needed = {'nova-scheduler', 'nova-conductor', 'cinder-scheduler',
              'cinder-volume', 'heat-engine'}
    if (up.count('nova-compute') < COMPUTES or len(hosts) < COMPUTES
            or not needed <= set(up)):
        sys.exit('not ready: up are %s, %d hypervisors' % (up, len(hosts)))


{'identity': identity, 'resources': resources, 'ready': ready}[sys.argv[1]]()
