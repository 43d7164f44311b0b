package openstack

import "testing"

// The words are OpenStack's own, as its services of the release Zed say them.
func TestReasonFor_ofTheCloudsWords(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		`ResourceInError: resources.first: Went to status ERROR due to "Message: No valid host was found. , Code: 500"`:                                            "No host of the cloud has room for this machine: choose a smaller size, or add hosts.",
		`Forbidden: resources.first: Quota exceeded for cores: Requested 2, but already used 0 of 1 cores (HTTP 403) (Request-ID: req-1)`:                          "The project's quota for cores is used up: have it raised, or free some.",
		`Forbidden: resources.first: Quota exceeded for cores, instances: Requested 2, 1, but already used 9, 4 of 10, 4 cores, instances (HTTP 403)`:              "The project's quota for cores, instances is used up: have it raised, or free some.",
		`OverQuotaClient: resources.network: Quota exceeded for resources: ['network'].`:                                                                           "The project's quota for network is used up: have it raised, or free some.",
		`OverLimit: resources.first_data: VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'. (HTTP 413)`:                    "The project's quota for volumes is used up: have it raised, or free some.",
		`OverLimit: resources.first_data: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 50G (HTTP 413)`: "The project's quota for volume space is used up: have it raised, or free some.",
		`ResourceInError: resources.first_data: Went to status error due to "Unknown"`:                                                                             "Cinder could not make a volume.",
		`Engine went down during stack CREATE`: "Heat was interrupted in the middle; the work can be resumed.",
		`Create timed out`:                     "Heat gave up after the longest time we allow.",
		`StackValidationFailed: Property error: : resources.first.properties.flavor: : Error validating value 'huge': The Flavor (huge) could not be found.`: "The cloud has no flavour huge.",
		`Property error: : resources.first_boot.properties.image: : Error validating value 'debian-99': The Image (debian-99) could not be found.`:           "The cloud has no image debian-99.",
		`Conflict: resources.network: Unable to complete operation on network x. There are one or more ports still in use on the network.`:                   "Something that is not ours still uses the site's network: take it away, then try again.",
		`IpAddressGenerationFailureClient: resources.address: No more IP addresses available on network x.`:                                                  "The provider network has no free address left.",
		`The server is currently unavailable. Please try again at a later time. The Keystone service is temporarily unavailable.`:                            "The cloud's services do not reach Keystone.",
		`something new`: "",
	} {
		if got, known := reasonFor(said); got != want || known != (want != "") {
			t.Errorf("%q\n got %q\nwant %q", said, got, want)
		}
	}
}
