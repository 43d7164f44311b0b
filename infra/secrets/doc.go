// Package secrets keeps what must not be read from a database, a dump or a
// backup: it seals values with a master key that lives in a file of its own.
//
// It owns the master key, sealing and derived keys. It does not own what is
// sealed, nor where that is stored: the domains keep the sealed bytes beside
// their own facts. Whoever has the key file and a backup has everything, so the
// file is kept apart from the backups.
//
// Always true:
//   - A sealed value opens only under the key and in the context (whose, which)
//     that it was sealed in; moved to another row it does not open.
//   - Any changed bit is noticed.
//   - The key file is readable by its owner only; one that others can read is refused.
//   - The master key itself encrypts nothing: each use has a key derived from it.
package secrets
