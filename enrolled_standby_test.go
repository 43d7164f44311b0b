package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/infra/postgres"
)

// TestSite_standbyHasWhatWasAnswered has a host charge while its standby has a
// copy that each charge waits for. A standby that is killed in the middle of a
// flood costs a wait, an alarm, and no charge; it comes back and catches up.
// Without the control plane nobody decides to do without it.
func TestSite_standbyHasWhatWasAnswered(t *testing.T) {
	s := newSite(t)
	s.standbyJoins()
	s.eventually("each commit waits for the standby", s.isInStep)
	s.eventually("its machine is healthy", func() bool { return s.machineAs("standby")["standing"] == "healthy" })
	s.wantSame()

	const debits = 1_500
	var done atomic.Int64
	ended := make(chan int, 1)
	go func() { ended <- s.flood("s", debits, &done) }()
	for done.Load() < debits/3 {
		time.Sleep(time.Millisecond)
	}
	s.killStandby()
	began := time.Now()
	if failed := <-ended; failed > 0 {
		t.Errorf("%d of %d debits failed", failed, debits)
	}
	if took := time.Since(began); took < 4*time.Second {
		t.Errorf("charging went on after %s: it is to wait for the standby first", took)
	}
	s.wantTaken(debits)
	s.eventually("that it goes on alone is an alarm", func() bool { return s.isLost() && !s.isInStep() })

	s.standbyJoins() // comes back as it was
	s.eventually("it has caught up, and the alarm is over", func() bool { return s.isInStep() && !s.isLost() })
	s.wantSame()
	if failed := s.flood("t", 60, &done); failed > 0 {
		t.Errorf("%d debits failed after it came back", failed)
	}
	s.wantSame()
	s.wantTaken(debits + 60)

	s.control.stop()
	s.killStandby()
	if status := s.debitWithin(10 * time.Second); status != 0 {
		t.Errorf("without standby and control plane a debit was answered: %d", status)
	}
	s.standbyStarts()
	s.eventually("it goes on once the standby is back", func() bool { return s.debitWithin(10*time.Second) == 200 })
	s.wantSame()
}

func (s *ownSite) standbyFolder() string { return filepath.Join(s.folder, "standby") }

// standbyJoins makes the standby, or starts one that is there.
func (s *ownSite) standbyJoins() {
	s.t.Helper()
	if s.standby == "" {
		if err := os.Mkdir(s.standbyFolder(), 0o755); err != nil { // the database's user must reach it
			s.t.Fatal(err)
		}
		s.standby = s.invite("standby", 1)
		s.t.Cleanup(func() {
			if log, err := os.ReadFile(filepath.Join(s.standbyFolder(), "data/standby.log")); err == nil && s.t.Failed() {
				s.t.Logf("the standby:\n%s", log[max(0, len(log)-4000):])
			}
		})
	}
	line := strings.Replace(s.standby, "sudo ", "env TOLLHOUSE_LOCAL_SITE="+s.standbyFolder()+" ", 1)
	if out, err := s.run(line); err != nil {
		s.t.Fatalf("the standby: %v\n%s", err, out)
	}
}

// standbyStarts starts the standby as its service does, with nobody to ask.
func (s *ownSite) standbyStarts() {
	s.t.Helper()
	line := strings.ReplaceAll("set -a; . @/etc/tollhouse.env; setsid @/data/bin/current standby </dev/null >>@/data/standby.log 2>&1 & echo $! >@/data/standby.pid", "@", s.standbyFolder())
	if out, err := s.run(line); err != nil {
		s.t.Fatalf("start the standby: %v\n%s", err, out)
	}
}

// killStandby ends the standby and its database server at once.
func (s *ownSite) killStandby() {
	s.t.Helper()
	for _, path := range []string{"data/standby.pid", "data/cluster/data/postmaster.pid"} {
		text, err := os.ReadFile(filepath.Join(s.standbyFolder(), path))
		if err != nil {
			s.t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	// What the server leaves behind goes on for a moment, and may still take what is
	// charged just now.
	s.eventually("nothing of the standby's server runs", func() bool {
		links, err := filepath.Glob("/proc/[0-9]*/cwd")
		if err != nil {
			s.t.Fatal(err)
		}
		return !slices.ContainsFunc(links, func(link string) bool {
			at, err := os.Readlink(link)
			return err == nil && strings.HasPrefix(at, filepath.Join(s.standbyFolder(), "data/cluster"))
		})
	})
}

// machineAs is the machine of a role as the control plane knows it.
func (s *ownSite) machineAs(role string) map[string]any {
	list, _ := s.control.call(s.token, "GET", "/staff/v1/machines?operator="+s.operator.id, nil, 200)["items"].([]any)
	for _, item := range list {
		if one, _ := item.(map[string]any); one["role"] == role {
			return one
		}
	}
	return nil
}

// isInStep says whether the host said last that its commits wait, and that the
// standby receives its log.
func (s *ownSite) isInStep() bool {
	report, _ := s.machineAs("host")["report"].(map[string]any)
	seen, _ := report["copy"].(map[string]any)
	return seen["waits"] == true && seen["streams"] == true
}

// isLost says whether there is an open alarm that the host goes on alone.
func (s *ownSite) isLost() bool {
	list, _ := s.control.call(s.token, "GET", "/staff/v1/alarms", nil, 200)["items"].([]any)
	for _, item := range list {
		if one, _ := item.(map[string]any); one["kind"] == "standby_lost" && one["state"] != "cleared" {
			return true
		}
	}
	return false
}

// debitWithin charges one message, and gives its status; zero: none came in time.
func (s *ownSite) debitWithin(within time.Duration) int {
	answered := make(chan int, 1)
	go func() {
		body := fmt.Sprintf(`{"source":"api","event":{"id":"last","kind":"message","identity":{"kind":"msisdn","value":"%s"},"start":"%s","quantity":1,"unit":"event","destination":"+4930123"}}`, msisdn(0), s.began)
		_, status := s.send(s.machine, s.path("/charging/events"), "application/json", []byte(body))
		answered <- status
	}()
	select {
	case status := <-answered:
		return status
	case <-time.After(within):
		return 0
	}
}

// wantSame wants the copy to have each row that the host has, in all tables of
// its stack.
func (s *ownSite) wantSame() {
	s.t.Helper()
	host, copied := s.rows(filepath.Join(s.folder, "var")), s.rows(filepath.Join(s.standbyFolder(), "data"))
	for deadline := time.Now().Add(20 * time.Second); host != copied && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		host, copied = s.rows(filepath.Join(s.folder, "var")), s.rows(filepath.Join(s.standbyFolder(), "data"))
	}
	if host != copied || !strings.Contains(host, "ledger") {
		s.t.Errorf("the copy has other rows than the host:\n%s\n%s", copied, host)
	}
}

// rows counts what is in the tables of a database server's stack. Its copy has
// the same administrator.
func (s *ownSite) rows(data string) string {
	s.t.Helper()
	ctx := context.Background()
	password, err := postgres.AdminPassword(filepath.Join(s.folder, "var"))
	if err != nil {
		s.t.Fatal(err)
	}
	paths, err := postgres.ClusterPaths(data)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://%s:%s@/%s?host=%s", postgres.AdminUser, password, hostDatabase, paths.Socket))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var counted string
	err = conn.QueryRow(ctx, `
		select string_agg(relname || ' ' || (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I.%I', nspname, relname), false, true, '')))[1]::text, ', '
		                  order by nspname, relname)
		  from pg_class c
		  join pg_namespace n on n.oid = c.relnamespace
		 where c.relkind = 'r' and nspname like 't\_%' and (relname like 'ledger%' or relname like 'charge%' or relname like 'usage%')`).Scan(&counted)
	if err != nil {
		s.t.Fatal(err)
	}
	return counted
}
