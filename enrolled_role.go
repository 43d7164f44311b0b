package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tollhouse/infra/enrolment"
	"tollhouse/infra/mail"
	"tollhouse/provisioning/machine"
)

// machineConfig is that of a process on a machine that was enrolled.
type machineConfig struct {
	Control     string
	Data        string
	Listen      listen
	Secure      string // where a host listens for TLS, if it is to
	DatabaseURL string // empty: a database server of its own
	Backups     string // folder of that server's backups; empty: in Data
	Mail        mailConfig
	Networks    []netip.Prefix
	Reachable   []netip.Prefix
	Proxies     []netip.Prefix
	Log         slog.Level
}

// isEnrolled says whether the environment is that of a machine which the
// control plane tells what to do.
func isEnrolled(env []string) bool {
	return slices.ContainsFunc(env, func(pair string) bool { return strings.HasPrefix(pair, "TOLLHOUSE_CONTROL_URL=") })
}

func readMachineConfig(env []string, role machine.Role) (machineConfig, error) {
	e := readEnvironment(env)
	c := machineConfig{
		Control: e.link("TOLLHOUSE_CONTROL_URL", "the control plane's address", "https", "http"),
		Data:    e.required("TOLLHOUSE_DATA", "the folder of all that this machine keeps"),
		Log:     e.level(),
	}
	if role == machine.Host {
		c.Secure = e.listenAt("TOLLHOUSE_LISTEN_TLS", "0.0.0.0:443").Address
	}
	if role == machine.Host || role == machine.Worker {
		c.Listen, c.DatabaseURL = e.address(), e.text("TOLLHOUSE_DATABASE_URL", "")
		c.Backups = e.text("TOLLHOUSE_BACKUPS", "")
		c.Mail, c.Proxies = e.mail(), e.proxies()
		c.Networks, c.Reachable = e.networks("TOLLHOUSE_CALLED_NETWORKS"), e.networks("TOLLHOUSE_WEBHOOK_NETWORKS")
	}
	return c, e.done()
}

// sender sends mails by the server that is set; nil where none is set, and
// nothing is mailed.
func (c mailConfig) sender() (*mail.Sender, error) {
	if c.URL == "" {
		return nil, nil
	}
	sender, err := mail.New(c.URL, c.From)
	if err == nil {
		sender.ReturnTo(c.Return)
	}
	return sender, err
}

// runEnrol has this machine taken in. The token comes from a file or the
// environment, never from the command line, which others on the machine see.
func runEnrol(ctx context.Context, p process) error {
	flags := flag.NewFlagSet("enrol", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	role := flags.String("role", "", "host, worker, standby or agent")
	operator := flags.String("operator", "", "the name of whose machine it is")
	tokenFile := flags.String("token-file", "", "file with the token; else TOLLHOUSE_ENROL_TOKEN")
	wait := flags.Duration("wait", 10*time.Minute, "how long to try to reach the control plane")
	switch err := flags.Parse(p.args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	}
	e := readEnvironment(p.env)
	control := e.link("TOLLHOUSE_CONTROL_URL", "the control plane's address", "https", "http")
	data := e.required("TOLLHOUSE_DATA", "the folder of all that this machine keeps")
	token := e.text("TOLLHOUSE_ENROL_TOKEN", "")
	if !slices.Contains(machine.Roles, machine.Role(*role)) {
		e.fault("--role", "is missing or unknown: host, worker, standby or agent is wanted")
	}
	if *operator == "" {
		e.fault("--operator", "is missing: the name of whose machine it is")
	}
	if err := e.done(); err != nil {
		return err
	}
	if *tokenFile != "" {
		fromFile, err := enrolment.ReadToken(*tokenFile)
		if err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		token = fromFile
	}
	store, err := enrolment.Open(data)
	if err != nil {
		return err
	}
	err = enrolment.Enrol(ctx, store, enrolment.Application{Control: control, Operator: *operator, Role: machine.Role(*role), Token: token, Wait: *wait}, time.Now)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "enrolled as machine %s\n", store.Identity().Machine)
	return nil
}

// again is another program that is to run in our place.
type again struct{ path string }

// goOn replaces this process by another program, which goes on as the same
// process; the service manager sees no end.
func (a again) goOn(args []string) error {
	argv := append([]string{a.path}, args...)
	return fmt.Errorf("go on as %s: %w", a.path, syscall.Exec(a.path, argv, os.Environ()))
}

// ownVersion is the digest of the program that runs.
func ownVersion() (string, error) { return enrolment.NewPrograms("").Own() }

// runAgent watches a server that the operator runs itself, and reports.
func runAgent(ctx context.Context, p process) error {
	config, err := readMachineConfig(p.env, machine.Agent)
	if err != nil {
		return err
	}
	store, err := openStore(config, machine.Agent)
	if err != nil {
		return err
	}
	log := logTo(p.stderr, config.Log)
	version, err := ownVersion()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next *again
	keeper, err := enrolment.NewKeeper(store, enrolment.KeeperConfig{Data: config.Data, Version: version, Now: time.Now, Log: log,
		Upgrade: func(path string) { next = &again{path}; cancel() }})
	if err != nil {
		return err
	}
	log.Info("watching", "machine", store.Identity().Machine.String(), "control", config.Control)
	keeper.Keep(ctx)
	if next != nil {
		return next.goOn([]string{"agent"})
	}
	return nil
}

// errRole means that the machine was enrolled for something else.
var errRole = errors.New("this machine was enrolled for another role")

func openStore(config machineConfig, roles ...machine.Role) (*enrolment.Store, error) {
	store, err := enrolment.Open(config.Data)
	if err != nil {
		return nil, err
	}
	identity := store.Identity()
	if !store.Enrolled() {
		return nil, enrolment.ErrNoIdentity
	}
	if !slices.Contains(roles, identity.Role) {
		return nil, fmt.Errorf("%w: %s", errRole, identity.Role)
	}
	return store, nil
}

// hostDatabase is the name of a host's database on a machine of its own.
const hostDatabase = "tollhouse_host"

// inbox is where a host of its own keeps received files.
func (c machineConfig) files() string { return filepath.Join(c.Data, "files") }
