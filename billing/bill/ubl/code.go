package ubl

import (
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// unitCodes are UN/ECE Recommendation 20's.
var unitCodes = map[money.Unit]string{
	money.Second: "SEC", money.Byte: "AD", money.Event: "C62", money.Point: "C62", bill.UnitFee: "C62",
}

// typeCodes are UNTDID 1001's (BT-3).
var typeCodes = map[bill.Kind]string{
	bill.KindBill: "380", bill.KindStatement: "380", bill.KindDebitNote: "383", bill.KindAdvance: "386", bill.KindCreditNote: "381",
}

// schemes are the Electronic Address Schemes (EAS) of VAT identifiers, by the
// letters that these begin with.
var schemes = map[string]string{
	"AT": "9914", "BE": "9925", "BG": "9926", "CH": "9927", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "EL": "9933", "ES": "9920",
	"FR": "9957", "GB": "9932", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211", "LT": "9937", "LU": "9938", "LV": "9939", "MT": "9943",
	"NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947", "SI": "9949", "SK": "9950",
}

// The profile and the standards.
const (
	standardID = "urn:cen.eu:en16931:2017"
	peppolID   = standardID + "#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	profileID  = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
)

// vatID is a party's VAT identifier as the standard writes it (letters first,
// Greece as EL), or empty where what is known is none.
func vatID(id, country string) string {
	plain := tax.NormalID(id)
	prefix := country
	if country == "GR" {
		prefix = "EL"
	}
	if found, err := tax.CheckID(plain); err == nil && found != "ID" {
		if strings.HasPrefix(plain, "GR") {
			plain = "EL" + plain[2:]
		}
		if found == "CH" || found == "NO" { // the language's letters at the end are no part of the number
			plain = strings.TrimRight(plain, "MWSTVAI")
		}
		return plain
	}
	if prefix != "" && strings.HasPrefix(plain, prefix) && len(plain) > 4 {
		return plain
	}
	return ""
}

// endpoint is a party's electronic address; scheme is empty where there is none.
func endpoint(vat string) (scheme, id string) {
	if len(vat) < 4 {
		return "", ""
	}
	return schemes[vat[:2]], vat
}
