package secrets

import "tollhouse/billing/tenant"

// Tenants seals what belongs to tenants: a value opens only for the tenant and
// under the name that it was sealed for.
type Tenants struct{ box *Box }

// Tenants gives the box's side for tenants.
func (b *Box) Tenants() Tenants { return Tenants{b} }

// Seal encrypts a tenant's value under a name of its own.
func (t Tenants) Seal(id tenant.ID, name string, clear []byte) ([]byte, error) {
	return t.box.Seal(tenantContext(id, name), clear)
}

// Open decrypts what Seal made for the same tenant and name.
func (t Tenants) Open(id tenant.ID, name string, sealed []byte) ([]byte, error) {
	return t.box.Open(tenantContext(id, name), sealed)
}

// tenantContext cannot be read in two ways: an id has a fixed length.
func tenantContext(id tenant.ID, name string) string { return "tenant/" + id.String() + "/" + name }
