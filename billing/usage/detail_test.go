package usage

import (
	"strings"
	"testing"
	"time"
)

// packet is a good stanza; edit changes pieces of it.
func packet(edit ...string) string {
	text := "Tue Jun  2 02:00:00 2026\n" +
		"\tUser-Name = \"budi\"\n\tAcct-Session-Id = \"81c0\"\n\tNAS-IP-Address = 10.0.0.1\n" +
		"\tConnect-Info = \"PPPoE \\\"fibre\\\"\"\n\tAcct-Status-Type = Stop\n\tAcct-Session-Time = 3600\n" +
		"\tAcct-Input-Octets = 1000\n\tAcct-Output-Octets = 705032704\n\tAcct-Output-Gigawords = 1\n" +
		"\tEvent-Timestamp = \"Jun  2 2026 02:00:00 WIB\"\n\tTimestamp = 1780340401\n\n"
	return strings.NewReplacer(edit...).Replace(text)
}

func TestDetail_gigawordsAndTimes(t *testing.T) {
	m := preset(t, "freeradius-detail", "Asia/Jakarta")
	for name, c := range map[string]struct{ from, to, wantReported string }{
		"the NAS's own time":           {"", "", "2026-06-01T19:00:00Z"},
		"a NAS without a clock":        {"Jun  2 2026", "Jan  1 1970", "2026-06-01T19:00:01Z"},
		"a zone that is not declared":  {" WIB\"", " EST\"", "2026-06-01T19:00:01Z"},
		"UTC":                          {" WIB\"", " UTC\"", "2026-06-02T02:00:00Z"},
		"the server's, less the delay": {"\tEvent-Timestamp = \"Jun  2 2026 02:00:00 WIB\"", "\tAcct-Delay-Time = 61", "2026-06-01T18:59:00Z"},
		"only the date line": {"\tEvent-Timestamp = \"Jun  2 2026 02:00:00 WIB\"\n\tTimestamp = 1780340401\n", "",
			"2026-06-01T19:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, m, packet(c.from, c.to), Input{})
			r := got[0].Record
			if r == nil {
				t.Fatal(got[0].Problem)
			}
			if r.Counter.ReportedAt.Format(time.RFC3339) != c.wantReported {
				t.Errorf("reported at %s, want %s", r.Counter.ReportedAt, c.wantReported)
			}
			if r.Counter.total() != 1000+5_000_000_000 || r.Counter.SessionSeconds != 3600 || r.Identity != (Identity{Login, "budi"}) {
				t.Errorf("%+v %+v", r, r.Counter)
			}
		})
	}
}

func TestDetail_oneBadRecordCostsOneRecord(t *testing.T) {
	m := preset(t, "freeradius-detail", "Asia/Jakarta")
	for name, c := range map[string]struct {
		bad  string
		code Reason
	}{
		"no session":             {packet("\tAcct-Session-Id = \"81c0\"\n", ""), MissingField},
		"no NAS":                 {packet("\tNAS-IP-Address = 10.0.0.1\n", ""), MissingField},
		"no subscriber":          {packet("\tUser-Name = \"budi\"\n", ""), MissingField},
		"no octets":              {packet("\tAcct-Input-Octets = 1000\n", ""), MissingField},
		"no status":              {packet("\tAcct-Status-Type = Stop\n", ""), MissingField},
		"unknown status":         {packet("= Stop", "= Pause"), UnknownValue},
		"octets over 32 bits":    {packet("= 705032704", "= 4294967296"), CounterOverflow},
		"octets far over":        {packet("= 705032704", "= 99999999999999999999"), CounterOverflow},
		"gigawords over 63 bits": {packet("Gigawords = 1", "Gigawords = 4294967295"), CounterOverflow},
		"negative octets":        {packet("= 705032704", "= -1"), NegativeQuantity},
		"octets no number":       {packet("= 705032704", "= many"), BadNumber},
		"quote missing":          {packet("\"budi\"", "\"budi"), BadQuote},
		"quote missing in front": {packet("\"81c0\"", "81\\\"c0\""), ""},
		"quote inside":           {packet("\"budi\"", "\"bu\"di\""), BadQuote},
		"broken escape":          {packet("\"budi\"", "\"bu\\9di\""), BadQuote},
		"broken attribute":       {packet("\tAcct-Session-Time = 3600", "\tAcct-Sess"), BadStructure},
		"two in one":             {packet("\tTimestamp", "\tAcct-Status-Type = Stop\n\tTimestamp"), BadStructure},
		"not UTF-8":              {packet("budi", "b\xfcdi"), WrongEncoding},
		"zero byte":              {packet("budi", "b\x00di"), NULByte},
		"too long":               {packet("Time = 3600\n", "Time = 3600\n"+strings.Repeat("\tX = 1\n", 12000)), LineTooLong},
		"1970":                   {packet("\tEvent-Timestamp = \"Jun  2 2026 02:00:00 WIB\"\n", "", "1780340401", "1"), TooOld},
		"2099":                   {packet("Jun  2 2026", "Jun  2 2099"), InFuture},
		"cut off, next follows":  {strings.TrimSuffix(packet(), "\n"), UnfinishedLine},
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, m, packet("81c0", "before")+c.bad+packet("81c0", "after"), Input{})
			if len(got) != 3 || got[0].Record == nil || got[2].Record == nil || got[2].Record.Counter.SessionID != "after" {
				t.Fatalf("neighbours are lost: %+v", got)
			}
			if p := got[1].Problem; c.code == "" && p != nil || c.code != "" && (p == nil || p.Code != c.code) {
				t.Fatalf("got %v, want %s", p, c.code)
			}
		})
	}
}

func TestDetail_whatIsNoUsageIsPassedOver(t *testing.T) {
	m := preset(t, "freeradius-detail", "Asia/Jakarta")
	for name, text := range map[string]string{
		"an authentication packet": packet("\tAcct-Status-Type = Stop\n", "\tPacket-Type = Access-Request\n"),
		"a tunnel":                 packet("= Stop", "= Tunnel-Link-Stop"),
	} {
		if got := readAll(t, m, text, Input{}); len(got) != 1 || !got[0].Skipped {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDetail_halfWrittenLastRecordIsHeld(t *testing.T) {
	m := preset(t, "freeradius-detail", "Asia/Jakarta")
	whole := packet()
	for cut := len("Tue Jun") + 1; cut < len(whole); cut++ {
		got := readAll(t, m, packet()+whole[:cut], Input{})
		if len(got) != 2 || got[1].Problem == nil || got[1].Problem.Code != UnfinishedLine {
			t.Fatalf("cut at %d: %+v", cut, got[1:])
		}
	}
}

func TestDetail_resumesAfterAnyItem(t *testing.T) {
	checkResume(t, preset(t, "freeradius-detail", "Asia/Jakarta"),
		packet()+"\n\n"+packet("= Stop", "= Pause")+strings.TrimSuffix(packet(), "\n")+packet()+"Tue")
}

func FuzzDetail(f *testing.F) {
	f.Add(packet() + packet("budi", "b\\303\\274di"))
	f.Add("\tA = \"\\\"\n\n\n\t = \nx")
	m := preset(f, "freeradius-detail", "Asia/Jakarta")
	f.Fuzz(func(t *testing.T, text string) { checkInvariants(t, m, text) })
}
