"""Cinder's bottom: volumes without disks. One larger than LARGEST_GB fails as a
full disk does, so that a volume's failure can be seen."""
from cinder import exception
from cinder.tests import fake_driver

LARGEST_GB = 4000


class LabVolumeDriver(fake_driver.FakeLoggingVolumeDriver):
    def get_volume_stats(self, refresh=False):
        pool = {'pool_name': 'lab', 'total_capacity_gb': 'infinite',
                'free_capacity_gb': 'infinite', 'reserved_percentage': 0,
                'QoS_support': False, 'multiattach': True}
        return {'volume_backend_name': 'lab', 'vendor_name': 'lab',
                'driver_version': '1', 'storage_protocol': 'iSCSI',
                'pools': [pool]}

    def create_volume(self, volume):
        if volume.size > LARGEST_GB:
            raise exception.VolumeBackendAPIException(
                data='no space left for %d GB' % volume.size)

    def extend_volume(self, volume, size_gb):
        pass

    def copy_image_to_volume(self, context, volume, image_service, image_id,
                             disable_sparse=False):
        pass

    def clone_image(self, context, volume, image_location, image_meta,
                    image_service):
        return {}, True  # there is no disk to fill

    def update_migrated_volume(self, ctxt, volume, new_volume,
                               original_volume_status):
        return {'_name_id': None, 'provider_location': None}
