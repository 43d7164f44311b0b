package pain_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/bank/pain"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

var update = flag.Bool("update", false, "write the golden files")

func TestBusinessDay_ofTARGET(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-04-02": true, "2026-04-03": false, "2026-04-06": false, "2026-04-07": true, // Good Friday, Easter Monday
		"2026-05-01": false, "2026-12-24": true, "2026-12-25": false, "2026-12-26": false, "2026-06-06": false, "2026-06-08": true, "2027-01-01": false,
	} {
		d, err := calendar.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := pain.BusinessDay(d); got != want {
			t.Errorf("on %s money moves: %t", text, got)
		}
	}
	for year, want := range map[int]string{2024: "2024-03-31", 2025: "2025-04-20", 2026: "2026-04-05", 2038: "2038-04-25"} {
		if got := pain.Easter(year).String(); got != want {
			t.Errorf("Easter of %d is %s, want %s", year, got, want)
		}
	}
}

func collection(version string) pain.Collection {
	signed := calendar.Date{Year: 2025, Month: 1, Day: 15}
	eur := func(text string) money.Amount { return money.New(money.MustDecimal(text), money.MustCurrency("EUR")) }
	return pain.Collection{Version: version, MessageID: "TH0001", Created: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), On: calendar.Date{Year: 2026, Month: 6, Day: 8},
		Creditor: pain.Creditor{Name: "Hanse Funk & Söhne GmbH", ID: "DE98ZZZ09999999999", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"},
		Debits: []pain.Debit{
			{EndToEnd: "E1", Amount: eur("45.00"), Mandate: "M1", Signed: signed, Sequence: "FRST", Name: "Jürgen Groß", IBAN: "DE02120300000000202051", Text: "2026/42"},
			{EndToEnd: "E2", Amount: eur("19.99"), Mandate: "M2", Signed: signed, Sequence: "RCUR", Name: "Ada", IBAN: "DE02500105170137075030", BIC: "INGDDEFF", Text: "2026/43", OldMandate: "OLD2", OtherIBAN: true},
			{EndToEnd: "E3", Amount: eur("0.01"), Mandate: "M3", Signed: signed, Sequence: "RCUR", Name: "Bob", IBAN: "DE02100100100006820101", Text: "2026/44"},
			{EndToEnd: "E4", Amount: eur("1200.00"), Mandate: "M4", Signed: signed, Sequence: "RCUR", Scheme: pain.B2B, Name: "Werft GmbH", IBAN: "DE02600501010002034304", Text: "2026/45"},
		}}
}

func TestCollection_isAsItStandsInTheGoldenFile(t *testing.T) {
	for _, version := range []string{"02", "08"} {
		var file bytes.Buffer
		if err := collection(version).Write(&file); err != nil {
			t.Fatal(err)
		}
		name := "testdata/pain.008.001." + version + ".xml"
		if *update {
			if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(want, file.Bytes()) {
			t.Errorf("%s differs: %v\n%s", name, err, file.String())
		}
		structure(t, file.Bytes(), version)
	}
}

// structure holds a file against the order of elements that the scheme wants.
func structure(t *testing.T, file []byte, version string) {
	t.Helper()
	bic := map[string]string{"02": "BIC", "08": "BICFI"}[version]
	wanted := []string{"GrpHdr", "MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty", "PmtInf", "PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "SvcLvl", "LclInstrm",
		"SeqTp", "ReqdColltnDt", "Cdtr", "CdtrAcct", "CdtrAgt", bic, "ChrgBr", "CdtrSchmeId", "SchmeNm", "DrctDbtTxInf", "PmtId", "EndToEndId", "InstdAmt", "DrctDbtTx", "MndtRltdInf",
		"MndtId", "DtOfSgntr", "DbtrAgt", "Dbtr", "DbtrAcct", "RmtInf"}
	d := xml.NewDecoder(bytes.NewReader(file))
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		start, is := token.(xml.StartElement)
		if is && len(wanted) > 0 && start.Name.Local == wanted[0] {
			wanted = wanted[1:]
		}
	}
	if strings.Contains(string(file), "<Othr></Othr>") {
		t.Errorf("version %s: an empty element", version)
	}
	if len(wanted) > 0 {
		t.Errorf("version %s: %s is missing or at the wrong place", version, wanted[0])
	}
	for _, has := range []string{"<NbOfTxs>4</NbOfTxs>", "<CtrlSum>1265.00</CtrlSum>", "<CtrlSum>20.00</CtrlSum>", "<Cd>B2B</Cd>", "<PmtInfId>TH0001-RB</PmtInfId>", "<AmdmntInd>true</AmdmntInd>", "SMNDA", "Juergen Gross", "Hanse Funk + Soehne GmbH", "NOTPROVIDED"} {
		if !strings.Contains(string(file), has) {
			t.Errorf("version %s: %s is missing", version, has)
		}
	}
}

func TestReadAnswer_singleAndWhole(t *testing.T) {
	const part = `<Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>TH0001</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
		<OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`
	a, err := pain.ReadAnswer(strings.NewReader(part))
	if err != nil || a.MessageID != "TH0001" || len(a.Debits) != 1 || a.Debits[0] != (pain.AnsweredDebit{EndToEnd: "E1", Status: "RJCT", Reason: "AC01"}) {
		t.Errorf("%+v: %v", a, err)
	}
	if _, err := pain.ReadAnswer(strings.NewReader("<Document/>")); err == nil {
		t.Error("another file was taken")
	}
}

// A bank names a batch by what we have called it: the file, its scheme and
// sequence are found again.
func TestBatchOf_findsWhatABatchIs(t *testing.T) {
	for _, scheme := range []string{pain.Core, pain.B2B} {
		for _, sequence := range []string{"FRST", "RCUR"} {
			want := pain.NamedBatch{Message: "TH0001", Scheme: scheme, Sequence: sequence}
			if got := pain.BatchOf("TH0001" + pain.BatchSuffix(scheme, sequence)); len(got) != 1 || got[0] != want {
				t.Errorf("%s %s: %+v", scheme, sequence, got)
			}
		}
	}
	if got := pain.BatchOf("TH0001"); got != nil {
		t.Errorf("no batch: %+v", got)
	}
}
