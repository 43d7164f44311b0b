// Package pgbackrest keeps backups of an embedded database server with
// pgBackRest: base backups, the archive of its write-ahead log, and side
// clusters restored from both.
//
// It owns pgBackRest's configuration, its calls, the escrowed key, and the way
// from a repository to a running side cluster. It does not own when a backup is
// due or what a drill must find (provisioning/backup).
//
// Always true:
//   - The repository is encrypted; its key stands in the configuration, which
//     only the server's user can read, and in the escrow, which is another folder.
//   - What is restored is restored from the repository and the escrow alone.
//   - A commit is in the archive at the latest after archiveEvery.
package pgbackrest
