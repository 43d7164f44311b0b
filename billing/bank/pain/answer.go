package pain

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// ErrFile means a file that can't be read as what it should be.
var ErrFile = errors.New("the file is no pain.002")

// Answer is what a bank says of a collection: all of it, or single debits.
type Answer struct {
	MessageID string // of the file that it answers
	Status    string // of all: ACCP, RJCT, PART …
	Reason    string
	Debits    []AnsweredDebit
}

// AnsweredDebit is what it says of one.
type AnsweredDebit struct{ EndToEnd, Status, Reason string }

// maxFile bounds what is read.
const maxFile = 64 << 20

// ReadAnswer reads a pain.002 of any version.
func ReadAnswer(r io.Reader) (Answer, error) {
	var d struct {
		Group struct {
			Message string `xml:"OrgnlMsgId"`
			Status  string `xml:"GrpSts"`
			Reason  string `xml:"StsRsnInf>Rsn>Cd"`
		} `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts"`
		Payments []struct {
			Status string `xml:"PmtInfSts"`
			Debits []struct {
				EndToEnd string `xml:"OrgnlEndToEndId"`
				Status   string `xml:"TxSts"`
				Reason   string `xml:"StsRsnInf>Rsn>Cd"`
			} `xml:"TxInfAndSts"`
		} `xml:"CstmrPmtStsRpt>OrgnlPmtInfAndSts"`
	}
	if err := xml.NewDecoder(io.LimitReader(r, maxFile)).Decode(&d); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if d.Group.Message == "" {
		return Answer{}, fmt.Errorf("%w: it names no file", ErrFile)
	}
	a := Answer{MessageID: d.Group.Message, Status: d.Group.Status, Reason: d.Group.Reason}
	for _, p := range d.Payments {
		for _, one := range p.Debits {
			a.Debits = append(a.Debits, AnsweredDebit{one.EndToEnd, one.Status, one.Reason})
		}
	}
	return a, nil
}
