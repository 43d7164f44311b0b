package text

import (
	"maps"
	"strings"

	"tollhouse/billing/locale"
)

// Languages are those that pages are written in, with their own names.
var Languages = []struct{ Code, Name string }{{"en", "English"}, {"id", "Bahasa Indonesia"}, {"ru", "Русский"}}

var catalogs = map[string]map[string]string{
	"en": join(contractEN, hostingEN, machineEN, messageKindEN, toldEN, collectionEN, cycleEN, shellEN, subscriberEN, priceEN, doorEN, deskEN, businessEN, adminEN, staffEN, placeEN, placingEN, guaranteeEN, fleetEN, catalogEN, promotionEN, sessionEN, replayEN, walletEN, bucketEN, referenceEN, salesEN, ruleEN, optionEN, keptEN, moneyEN, papersEN, approvalEN, findingEN, productEN, correctEN, booksEN, ladderEN, outsideEN, moreEN, ownEN, actsEN, columnsEN, securityEN, differEN),
	"id": join(contractID, hostingID, machineID, messageKindID, toldID, collectionID, cycleID, shellID, subscriberID, priceID, doorID, deskID, businessID, adminID, staffID, placeID, placingID, guaranteeID, fleetID, catalogID, promotionID, sessionID, replayID, walletID, bucketID, referenceID, salesID, ruleID, optionID, keptID, moneyID, papersID, approvalID, findingID, productID, correctID, booksID, ladderID, outsideID, moreID, ownID, actsID, columnsID, securityID, differID),
	"ru": join(contractRU, hostingRU, machineRU, messageKindRU, toldRU, collectionRU, cycleRU, shellRU, subscriberRU, priceRU, doorRU, deskRU, businessRU, adminRU, staffRU, placeRU, placingRU, guaranteeRU, fleetRU, catalogRU, promotionRU, sessionRU, replayRU, walletRU, bucketRU, referenceRU, salesRU, ruleRU, optionRU, keptRU, moneyRU, papersRU, approvalRU, findingRU, productRU, correctRU, booksRU, ladderRU, outsideRU, moreRU, ownRU, actsRU, columnsRU, securityRU, differRU),
}

// join makes one catalog of those of the areas. A key stands in one area only,
// which a test keeps.
func join(areas ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, area := range areas {
		maps.Copy(all, area)
	}
	return all
}

// Known says whether pages are written in a language.
func Known(language string) bool {
	_, known := catalogs[language]
	return known
}

// Of gives a message in a language, with values in the places that bear their
// names: Of("en", "due.since", "date", "5 Dec"). A message that is missing is
// its key, which a test keeps from happening.
func Of(language, key string, values ...string) string {
	message, found := catalogs[language][key]
	if !found {
		if message, found = catalogs["en"][key]; !found {
			return key
		}
	}
	return fill(message, values)
}

// Count gives the form of a message that goes with a whole number n. The
// place {n} is filled by whoever knows how the number is written.
func Count(l locale.Locale, key string, n int64, values ...string) string {
	return Of(l.Language, key+"."+string(l.Plural(n)), values...)
}

func fill(message string, values []string) string {
	if len(values) == 0 {
		return message
	}
	places := make([]string, 0, len(values))
	for i := 0; i+1 < len(values); i += 2 {
		places = append(places, "{"+values[i]+"}", values[i+1])
	}
	return strings.NewReplacer(places...).Replace(message)
}

// Beginning gives the English messages whose keys begin with a prefix.
func Beginning(prefix string) map[string]string {
	found := map[string]string{}
	for key, message := range catalogs["en"] {
		if strings.HasPrefix(key, prefix) {
			found[key] = message
		}
	}
	return found
}
