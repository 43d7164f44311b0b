"""Where the lab is kept, on which ports it listens, and all its config files."""
import os
import pathlib

LAB = pathlib.Path(os.environ['TOLLHOUSE_LAB_DIR'])
ETC, DATA, LOG, RUN = LAB / 'etc', LAB / 'data', LAB / 'log', LAB / 'run'
PKG = LAB / 'pkg'
PY = pathlib.Path(__file__).resolve().parent.parent
COMPUTES = int(os.environ.get('TOLLHOUSE_LAB_COMPUTES', '3'))
NICE = os.environ.get('TOLLHOUSE_LAB_NICE', '5')
PASSWORD = 'lab-secret'
REGION = 'RegionOne'

# The usual ports, each 20000 higher: a cloud beside us is left in peace.
PORTS = {'keystone': 25000, 'heat-api': 28004, 'nova-api': 28774,
         'cinder-api': 28776, 'placement': 28778, 'glance-api': 29292,
         'neutron-server': 29696, 'rabbitmq': 25671, 'rabbitmq-dist': 25672,
         'epmd': 25673, 'memcached': 25674}
AUTH_URL = 'http://127.0.0.1:%d/v3' % PORTS['keystone']
RABBIT = 'rabbit://openstack:%s@127.0.0.1:%d/' % (PASSWORD, PORTS['rabbitmq'])


def url(service, tail=''):
    return 'http://127.0.0.1:%d%s' % (PORTS[service], tail)


def database(name):
    return {'connection': 'mysql+pymysql://root@localhost/%s?charset=utf8'
                          '&unix_socket=%s/mysqld.sock' % (name, RUN),
            'max_pool_size': 10, 'max_overflow': 40, 'max_retries': -1}


def credentials(user):
    return {'auth_type': 'password', 'auth_url': AUTH_URL, 'username': user,
            'password': PASSWORD, 'project_name': 'service',
            'user_domain_name': 'Default', 'project_domain_name': 'Default',
            'region_name': REGION}


def common(service):
    """The sections that every service has alike."""
    return {
        'keystone_authtoken': {
            'www_authenticate_uri': AUTH_URL,
            'memcached_servers': '127.0.0.1:%d' % PORTS['memcached'],
            'service_token_roles': 'service',
            'service_token_roles_required': 'true', **credentials(service)},
        'service_user': {'send_service_user_token': 'true',
                         **credentials(service)},
        'oslo_concurrency': {'lock_path': DATA / service / 'lock'},
        'oslo_messaging_notifications': {'driver': 'noop'},
        'oslo_policy': {'policy_dirs': ETC / service / 'policy.d'},
    }


def keystone():
    return {
        'DEFAULT': {'max_token_size': 512},
        'database': database('keystone'),
        'token': {'provider': 'fernet', 'expiration': 86400},
        'fernet_tokens': {'key_repository': DATA / 'keystone/fernet'},
        'credential': {'key_repository': DATA / 'keystone/credential'},
        # Cheap hashes: a login takes milliseconds.
        'identity': {'password_hash_rounds': 4},
        'cache': {'enabled': 'true', 'backend': 'dogpile.cache.memcached',
                  'memcache_servers': '127.0.0.1:%d' % PORTS['memcached']},
    }


def placement():
    return {'api': {'auth_strategy': 'keystone'},
            'placement_database': database('placement'), **common('placement')}


def glance():
    kept = DATA / 'glance'
    return {
        'DEFAULT': {'bind_host': '127.0.0.1', 'bind_port': PORTS['glance-api'],
                    'workers': 0, 'enabled_backends': 'lab:file'},
        'database': database('glance'),
        'paste_deploy': {
            'flavor': 'keystone',
            'config_file': PKG / 'usr/share/glance-common/glance-api-paste.ini'},
        'glance_store': {'default_backend': 'lab'},
        'lab': {'filesystem_store_datadir': kept / 'images'},
        'os_glance_tasks_store': {'filesystem_store_datadir': kept / 'tasks'},
        'os_glance_staging_store': {
            'filesystem_store_datadir': kept / 'staging'},
        **common('glance')}


def neutron():
    unlimited = ('network', 'subnet', 'port', 'router', 'floatingip',
                 'security_group', 'security_group_rule')
    return {
        'DEFAULT': {
            'bind_host': '127.0.0.1', 'bind_port': PORTS['neutron-server'],
            'api_workers': 0, 'rpc_workers': 1, 'rpc_state_report_workers': 0,
            'state_path': DATA / 'neutron', 'transport_url': RABBIT,
            'api_paste_config': PKG / 'usr/share/neutron-common/api-paste.ini',
            'core_plugin': 'ml2', 'service_plugins': 'router',
            'auth_strategy': 'keystone', 'allow_overlapping_ips': 'true',
            # No agents, so nothing waits for one.
            'enable_traditional_dhcp': 'false',
            'dhcp_agent_notification': 'false',
            'notify_nova_on_port_status_changes': 'true',
            'notify_nova_on_port_data_changes': 'true'},
        'database': database('neutron'),
        'nova': credentials('nova'),
        'ml2': {'type_drivers': 'local,flat,vlan,vxlan',
                'tenant_network_types': 'vxlan',
                'mechanism_drivers': 'openstack_lab',
                'extension_drivers': 'port_security'},
        'ml2_type_flat': {'flat_networks': '*'},
        'ml2_type_vlan': {'network_vlan_ranges': 'physnet1:1000:2999'},
        'ml2_type_vxlan': {'vni_ranges': '1:65536'},
        'securitygroup': {'enable_security_group': 'true'},
        'quotas': {'quota_' + what: -1 for what in unlimited},
        **common('neutron')}


def nova():
    unlimited = ('instances', 'cores', 'ram', 'key_pairs', 'server_groups',
                 'server_group_members')
    return {
        'DEFAULT': {
            'my_ip': '127.0.0.1', 'host': 'lab-control',
            'state_path': DATA / 'nova',
            'instances_path': DATA / 'nova/instances', 'transport_url': RABBIT,
            'enabled_apis': 'osapi_compute',
            'osapi_compute_listen': '127.0.0.1',
            'osapi_compute_listen_port': PORTS['nova-api'],
            'osapi_compute_workers': 1, 'compute_driver': 'lab.LabDriver',
            'cpu_allocation_ratio': 64, 'ram_allocation_ratio': 64,
            'disk_allocation_ratio': 64, 'allow_resize_to_same_host': 'true',
            # No guest, so no interface to wait for.
            'vif_plugging_is_fatal': 'false', 'vif_plugging_timeout': 0,
            'report_interval': 5, 'service_down_time': 60,
            # Nothing happens behind Nova's back: it need not look often.
            'update_resources_interval': 600,
            'heal_instance_info_cache_interval': -1,
            'sync_power_state_interval': -1},
        'api': {'auth_strategy': 'keystone'},
        'wsgi': {'api_paste_config':
                 PKG / 'usr/share/nova-common/api-paste.ini'},
        'api_database': database('nova_api'), 'database': database('nova'),
        'conductor': {'workers': 1},
        'scheduler': {'workers': 1, 'discover_hosts_in_cells_interval': 15},
        'filter_scheduler': {'track_instance_changes': 'false'},
        'quota': {'metadata_items': 128, **{what: -1 for what in unlimited}},
        'vnc': {'enabled': 'false'},
        'glance': credentials('nova'), 'neutron': credentials('nova'),
        'placement': credentials('nova'),
        'cinder': {'os_region_name': REGION,
                   'catalog_info': 'volumev3:cinderv3:publicURL',
                   **credentials('nova')},
        **common('nova')}


def cinder():
    return {
        'DEFAULT': {
            'my_ip': '127.0.0.1', 'host': 'lab-volume',
            'state_path': DATA / 'cinder', 'transport_url': RABBIT,
            'auth_strategy': 'keystone', 'osapi_volume_listen': '127.0.0.1',
            'osapi_volume_listen_port': PORTS['cinder-api'],
            'osapi_volume_workers': 1,
            'api_paste_config': PKG / 'usr/share/cinder-common/api-paste.ini',
            'resource_query_filters_file':
                PKG / 'etc/cinder/resource_filters.json',
            'glance_api_servers': url('glance-api'), 'enabled_backends': 'lab',
            'quota_volumes': -1, 'quota_snapshots': -1, 'quota_gigabytes': -1,
            'per_volume_size_limit': -1, 'report_interval': 5},
        'database': database('cinder'), 'nova': credentials('cinder'),
        'coordination': {'backend_url': 'file://%s' % (DATA / 'cinder')},
        'lab': {'volume_backend_name': 'lab',
                'volume_driver': 'openstack_lab.volume.LabVolumeDriver'},
        **common('cinder')}


def heat():
    return {
        'DEFAULT': {
            'host': 'lab-heat', 'transport_url': RABBIT,
            'num_engine_workers': 1,
            # What can't be built fails at once, not after minutes.
            'action_retry_limit': 0,
            'heat_metadata_server_url': 'http://127.0.0.1:28000',
            'heat_waitcondition_server_url':
                'http://127.0.0.1:28000/v1/waitcondition',
            'stack_user_domain_name': 'heat',
            'stack_domain_admin': 'heat_domain_admin',
            'stack_domain_admin_password': PASSWORD,
            'auth_encryption_key': 'openstack-lab-openstack-lab-key!',
            'region_name_for_services': REGION, 'max_stacks_per_tenant': -1,
            'max_resources_per_stack': -1,
            'environment_dir': PKG / 'etc/heat/environment.d',
            'template_dir': PKG / 'etc/heat/templates'},
        'database': database('heat'),
        'heat_api': {'bind_host': '127.0.0.1', 'bind_port': PORTS['heat-api'],
                     'workers': 1},
        'paste_deploy': {'api_paste_config': PKG / 'etc/heat/api-paste.ini'},
        'clients_keystone': {'auth_uri': AUTH_URL[:-len('/v3')]},
        'trustee': {'auth_type': 'password', 'auth_url': AUTH_URL,
                    'username': 'heat', 'password': PASSWORD,
                    'user_domain_name': 'Default'},
        **common('heat')}


SERVICES = {f.__name__: f for f in
            (keystone, placement, glance, neutron, nova, cinder, heat)}

MARIADB = '''[mariadbd]
datadir = {data}/mariadb
socket = {run}/mysqld.sock
pid-file = {run}/mysqld.pid
user = root
skip-networking
skip-name-resolve
skip-log-bin
character-set-server = utf8mb3
collation-server = utf8mb3_general_ci
max_connections = 1000
performance_schema = OFF
innodb_buffer_pool_size = 256M
innodb_log_file_size = 64M
innodb_flush_log_at_trx_commit = 0
innodb_flush_method = nosync
innodb_doublewrite = 0
'''

RABBITMQ = '''listeners.tcp.1 = 127.0.0.1:{port}
default_user = openstack
default_pass = {password}
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
'''


def conf(service):
    return ETC / service / (service + '.conf')


def write():
    """Writes every config file and makes every folder."""
    for folder in (RUN, LOG, DATA / 'rabbitmq', LAB / 'home',
                   ETC / 'mariadb', ETC / 'rabbitmq'):
        folder.mkdir(parents=True, exist_ok=True)
    for kept in ('images', 'tasks', 'staging'):
        (DATA / 'glance' / kept).mkdir(parents=True, exist_ok=True)
    (DATA / 'nova/instances').mkdir(parents=True, exist_ok=True)
    for service, content in SERVICES.items():
        (ETC / service / 'policy.d').mkdir(parents=True, exist_ok=True)
        (DATA / service / 'lock').mkdir(parents=True, exist_ok=True)
        lines = []
        for section, values in content().items():
            lines.append('[%s]' % section)
            lines += ['%s = %s' % pair for pair in values.items()]
        conf(service).write_text('\n'.join(lines) + '\n')
    for i in range(1, COMPUTES + 1):
        (ETC / 'nova' / ('compute-%d.conf' % i)).write_text(
            '[DEFAULT]\nhost = lab-compute-%d\n' % i)
    (ETC / 'mariadb/my.cnf').write_text(MARIADB.format(data=DATA, run=RUN))
    (ETC / 'rabbitmq/rabbitmq.conf').write_text(
        RABBITMQ.format(port=PORTS['rabbitmq'], password=PASSWORD))
    (ETC / 'rabbitmq/enabled_plugins').write_text('[].\n')
