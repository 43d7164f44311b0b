// Package secrets keeps what must not be read from a database, a dump or a
// backup: the master key lives in a file of its own and wraps one data key per
// tenant, which seals the tenant's values.
//
// It owns the master key, data keys (host.data_key), sealing, derived keys and
// the rotation of all of them. It does not own what is sealed, nor where that
// is stored: the domains keep the sealed bytes beside their own facts and list
// their places (billing/sealed). Whoever has the key file and a backup has
// everything, so the file is kept apart from the backups.
//
// A data key, in host.data_key:
//
//	current ──renew──> retiring ──retire──> destroyed
//	   └──────────────destroy──────────────────^
//
// Always true:
//   - A sealed value opens only under the key and in the context (whose, which)
//     that it was sealed in; moved to another row it does not open.
//   - Any changed bit is noticed.
//   - A tenant has at most one key that seals. One that is retiring opens until
//     nothing is left that it sealed; of a destroyed one no copy is left here.
//   - The key file is readable by its owner only; one that others can read is refused.
//   - The master key itself encrypts nothing: each use has a key derived from it.
package secrets
