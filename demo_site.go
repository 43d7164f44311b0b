package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tollhouse/api"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/demo"
	"tollhouse/infra/local/site"
	"tollhouse/portal"
	"tollhouse/provisioning"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// The demo's operator whose stack stands on a site of its own, and when its
// contract began.
const (
	demoApart     = "westkabel"
	demoApartFrom = "2026-11-01"
)

// siteCloud is the cloud in which the demo makes sites: folders of its own. What
// runs there goes on when the demo is killed, and ends when it is stopped.
func (d *demoRun) siteCloud() (fleet.Clouds, error) {
	clouds, err := localClouds(d.folder.sites())
	if err != nil {
		return nil, err
	}
	before, err := os.ReadDir(d.folder.sites())
	if err != nil {
		return nil, err
	}
	d.sitesBefore = len(before) > 0
	d.plant.onStop(func() {
		if err := d.folder.haltMachines(context.Background()); err != nil {
			d.plant.log.Warn("not all of the demo's machines have stopped", "error", err)
		}
	})
	return clouds, nil
}

// sites is the folder of the demo's sites, watched that of its other machines.
func (f demoFolder) sites() string   { return f.file("sites") }
func (f demoFolder) watched() string { return f.file("machines") }

// haltMachines ends the machines of the demo in this folder, and keeps what they hold.
func (f demoFolder) haltMachines(ctx context.Context) error {
	return errors.Join(site.Halt(ctx, f.sites()), site.Halt(ctx, f.watched()))
}

// machinesDoor listens where the demo's machines report. They were told the
// address when they came, so it is the same at each start: another than the
// demo's own, unless somebody chose that for good. Nil: it is the demo's own.
func (d *demoRun) machinesDoor(ctx context.Context) (net.Listener, error) {
	if _, port, err := net.SplitHostPort(d.config.Listen.Address); d.config.Listen.Asked && err == nil && port != "0" {
		return nil, nil //nolint:nilnil // none is needed
	}
	told := d.folder.file("machines.address")
	before, err := os.ReadFile(told)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	if address := strings.TrimSpace(string(before)); address != "" {
		listener, err := config.Listen(ctx, "tcp", address)
		if err == nil {
			return listener, nil
		}
		d.plant.log.Warn("the demo's machines can't report: their address is taken; they go on without us", "address", address, "error", err)
	}
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil || len(before) > 0 {
		return listener, err
	}
	return listener, os.WriteFile(told, []byte(listener.Addr().String()+"\n"), 0o600)
}

// standApart takes an operator on whose stack stands on a site of its own, with a
// contract for it. The site is made while the demo is used. What an earlier run
// took on is kept as it is, also where staff have closed it since.
func (d *demoRun) standApart(ctx context.Context, control *api.Control, keep func(demo.Login) error) error {
	id := tenant.ID(demoID(demoApart))
	err := control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.GetOperator(ctx, tx, id)
		return err
	})
	if !errors.Is(err, tenants.ErrNotFound) {
		return err
	}
	admission, err := control.Registry.Admit(ctx, tenants.Application{Name: demoApart, DisplayName: "Westkabel", LegalName: "Westkabel TV GmbH",
		Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en", PricesIncludeTax: true, OwnerEmail: "inhaberin@westkabel.example", Sandbox: true,
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Rheinuferweg 3", Postcode: "40213", City: "Düsseldorf"}, TaxID: "DE123456789",
			BankName: "Musterbank Düsseldorf", BankIBAN: "DE89370400440532013000", BankBIC: "COBADEFF"}})
	if err != nil {
		return err
	}
	place := fleet.Place{Site: &fleet.NewSite{ID: provisioning.SiteID(demoID(demoApart + "/site")), Cloud: "local", Size: "small"}}
	return control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		made, err := control.Fleet.TakeOn(ctx, tx, control.Registry, tenants.System, id, admission, place)
		if err != nil {
			return err
		}
		monthly := money.New(money.MustDecimal("240"), money.MustCurrency("EUR"))
		err = agreed(ctx, tx, agreement{operator: demoApart, model: contract.Rent, place: contract.Dedicated,
			terms: contract.Terms{Rent: &contract.RentTerms{Setup: money.Zero(monthly.Currency()), Monthly: monthly}}, from: demoApartFrom, begins: true})
		if err != nil {
			return err
		}
		// Before it is for good: one that is cut off here draws another password,
		// which takes the place of this one.
		return keep(demo.Login{Who: "owner, on a machine of its own", Path: "/t/" + demoApart + "/console/", Email: made.OwnerEmail, Password: made.OwnerPassword})
	})
}

// apart knows where stacks are reached that stand on sites of this machine.
type apart struct {
	next  http.Handler
	mu    sync.Mutex
	known map[string]ownDoor // by name
}

type ownDoor struct {
	address string
	shown   portal.Door
}

// ServeHTTP sends who asks for such a stack to its own machine.
func (a *apart) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := api.TenantOf(r)
	a.mu.Lock()
	door, found := a.known[name]
	a.mu.Unlock()
	if name == "" || !found {
		a.next.ServeHTTP(w, r)
		return
	}
	path := r.URL.EscapedPath()
	if !strings.HasPrefix(path, "/t/") { // it came by the stack's own host name
		path = "/t/" + name + path
	}
	to := "http://" + door.address + path
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Cache-Control", "no-store") // it listens elsewhere once it was started again
	http.Redirect(w, r, to, http.StatusTemporaryRedirect)
}

// doors are those of the demo's own hosts and then those of sites.
func (a *apart) doors(own func() []portal.Door) func() []portal.Door {
	return func() []portal.Door {
		list := own()
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(a.known)) {
			list = append(list, a.known[name].shown)
		}
		return list
	}
}

// keep looks who stands on this machine until ctx ends, and tells of the demo's
// own operator once it does.
func (a *apart) keep(ctx context.Context, db *tenants.DB, told func(address string)) {
	for {
		if known, err := look(ctx, db); err == nil { // else no news
			a.mu.Lock()
			before := a.known
			a.mu.Unlock()
			for name, door := range known {
				// What a host said last may be of one that has stopped since.
				if before[name].address != door.address && !answers(ctx, "http://"+door.address) {
					delete(known, name)
				}
			}
			a.mu.Lock()
			a.known = known
			a.mu.Unlock()
			if door, stands := known[demoApart]; stands && told != nil {
				told(door.address)
				told = nil
			}
		}
		if pause(ctx, apartEvery) != nil {
			return
		}
	}
}

// look reads which hosts on this machine have said that their stack is ready.
func look(ctx context.Context, db *tenants.DB) (map[string]ownDoor, error) {
	known := map[string]ownDoor{}
	err := db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		machines, err := enrol.Machines(ctx, tx, enrol.MachineQuery{Limit: maxApart})
		if err != nil {
			return err
		}
		for _, m := range machines {
			if m.Role != machine.Host || m.Report == nil || m.Report.Stack != machine.StackReady {
				continue
			}
			at, err := netip.ParseAddrPort(m.Report.Listen)
			if err != nil || !at.Addr().IsLoopback() {
				continue // on another machine, under a name of its own
			}
			o, err := tenants.GetOperator(ctx, tx, m.Operator)
			if err != nil {
				return err
			}
			known[o.Name] = ownDoor{at.String(), portal.Door{Operator: o.DisplayName, About: o.Country + ", " + o.Settings.Currency.Code(), Name: o.Name, Apart: true}}
		}
		return nil
	})
	return known, err
}

const (
	apartEvery = time.Second
	maxApart   = 200
)

// watchMachine has an operator's own server watched: one that is ours in nothing
// but that it reports. It is taken in once, and started again at each start.
func (d *demoRun) watchMachine(ctx context.Context, control *api.Control) error {
	folder := d.folder.watched() + "/nusantara"
	if _, err := os.Stat(folder + "/data/machine/identity.json"); err == nil {
		return site.StartMachine(folder, "")
	}
	var script string
	err := control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		o, err := tenants.OperatorByName(ctx, tx, "nusantara")
		if err != nil {
			return err
		}
		issued, err := control.Desk.Issue(ctx, tx, tenants.System, enrol.NewInvitation{Operator: o.ID, Role: machine.Agent, Place: machine.Customer, Name: "Bogor, RADIUS"})
		if err != nil {
			return err
		}
		script, err = control.Desk.UserData(machine.Agent, o.Name, issued.Token)
		return err
	})
	if err != nil {
		return err
	}
	return site.StartMachine(folder, script)
}

// openDesk opens the desk where the demo's machines report: at the door that is
// given back, or at the demo's own where that is nil.
func (d *demoRun) openDesk(ctx context.Context, control *api.Control, publicURL string) (net.Listener, error) {
	door, err := d.machinesDoor(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen for the demo's machines: %w", err)
	}
	if door != nil {
		d.plant.onStop(func() { _ = door.Close() })
		publicURL = "http://" + door.Addr().String()
	}
	d.plant.openDesk(ctx, control, deskConfig{URL: publicURL})
	return door, nil
}

// hearMachines answers at the door of the demo's machines.
func (d *demoRun) hearMachines(ctx context.Context, door net.Listener, handler http.Handler) {
	if door == nil {
		return
	}
	d.plant.until(ctx, func(ctx context.Context) {
		if err := d.plant.serve(ctx, door, handler); err != nil && ctx.Err() == nil {
			d.plant.log.Warn("the demo's machines are not heard", "error", err)
		}
	})
}

// resumeSites starts the sites that have stopped with the demo. One that can't be
// started shows its fault on its page, and keeps nobody from the rest of the demo.
// What this run has begun is not its business.
func (d *demoRun) resumeSites(ctx context.Context, clouds fleet.Clouds) {
	cloud, is := clouds["local"].Sites.(*site.Cloud)
	if !is || !d.sitesBefore {
		return
	}
	if err := cloud.Resume(ctx); err != nil {
		d.plant.log.Warn("not all of the demo's sites were started", "error", err)
	}
}

// openMachines starts what stood apart before, has a server be watched, and opens
// the doors of stacks that stand apart. It comes once the demo is ready, which is
// no later for it.
func (d *demoRun) openMachines(ctx context.Context, control *api.Control, clouds fleet.Clouds, sites *apart, publicURL string) {
	d.resumeSites(ctx, clouds)
	if err := d.watchMachine(ctx, control); err != nil {
		d.plant.log.Warn("the demo's watched server was not started", "error", err)
	}
	d.plant.until(ctx, func(ctx context.Context) {
		sites.keep(ctx, control.DB, func(address string) {
			fmt.Fprintf(d.p.stdout, "Westkabel stands on its own machine, at http://%s: %s/t/%s/console/ leads there.\n", address, publicURL, demoApart)
		})
	})
}
