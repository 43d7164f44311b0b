package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"tollhouse/api"
	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/infra/pgbackrest"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

// backupEvery is how often what is due is looked at.
const backupEvery = time.Minute

// archiveOf is the archive of the embedded server in a folder; nil where
// pgBackRest is not installed: then there are no backups, and pages say so.
func (p *plant) archiveOf(data, masterKey string) (*pgbackrest.Archive, error) {
	archive, err := pgbackrest.New(pgbackrest.Config{Data: data, Repo: filepath.Join(data, "backup"), Escrow: filepath.Join(data, "escrow"), MasterKey: masterKey, Log: p.log})
	if errors.Is(err, pgbackrest.ErrMissing) {
		p.log.Warn("no backups are made", "error", err)
		return nil, nil //nolint:nilnil // none is no fault
	}
	return archive, err
}

// keepBackups keeps the backups of the embedded server that carries these host
// databases, until the plant is closed.
func (p *plant) keepBackups(ctx context.Context, control *api.Control, archive *pgbackrest.Archive, server *postgres.Server, name string, hosts ...string) {
	if archive == nil {
		return
	}
	keeper := backup.NewKeeper(control.DB, &local.Archive{Name: name, Rest: archive, Admin: server.AdminURL,
		Hosts: func(context.Context) ([]string, error) { return hosts, nil },
		Side:  p.data, Vault: local.NewVault(filepath.Join(p.data, "take-outs"), p.box), Now: time.Now,
		Anchors: func(ctx context.Context, id tenant.ID) (anchors []audit.Anchor, err error) {
			var kept []tenants.Anchor
			err = control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
				kept, err = tenants.Anchors(ctx, tx, id)
				return err
			})
			for _, a := range kept {
				anchors = append(anchors, audit.Anchor{Seq: a.Seq, Hash: a.Hash})
			}
			return anchors, err
		},
		Slots: func(host string) (*postgres.Server, string) { return server, host },
	}, backupEvery, p.log)
	p.until(ctx, keeper.Run)
}
