"""Nova's bottom: its fake hypervisor, which knows its servers after a restart."""
from nova import context
from nova import objects
from nova.compute import power_state
from nova.compute import vm_states
from nova.virt import fake

GONE = (vm_states.BUILDING, vm_states.ERROR, vm_states.DELETED,
        vm_states.SOFT_DELETED, vm_states.SHELVED_OFFLOADED)


class LabDriver(fake.FakeDriver):
    def init_host(self, host):
        super().init_host(host)
        servers = objects.InstanceList.get_by_host(
            context.get_admin_context(), host, expected_attrs=['flavor'])
        for s in servers:
            if s.vm_state in GONE:
                continue
            power = s.power_state or power_state.RUNNING
            if s.vm_state == vm_states.STOPPED:
                power = power_state.SHUTDOWN
            self.instances[s.uuid] = fake.FakeInstance(s.name, power, s.uuid)
            self.resources.claim(vcpus=s.flavor.vcpus, mem=s.flavor.memory_mb,
                                 disk=s.flavor.root_gb)
