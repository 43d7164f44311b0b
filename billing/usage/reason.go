package usage

// Reason is why something waits in suspense or was refused: a closed list, in
// Reasons with words for people.
type Reason string

// What a reader finds wrong with a line.
const (
	UnfinishedLine   Reason = "unfinished_line"
	WrongEncoding    Reason = "wrong_encoding"
	NULByte          Reason = "nul_byte"
	LineTooLong      Reason = "line_too_long"
	BadQuote         Reason = "bad_quote"
	WrongColumns     Reason = "wrong_columns"
	MissingField     Reason = "missing_field"
	BadNumber        Reason = "bad_number"
	NegativeQuantity Reason = "negative_quantity"
	CounterOverflow  Reason = "counter_overflow"
	BadTime          Reason = "bad_time"
	EndBeforeStart   Reason = "end_before_start"
	TooOld           Reason = "too_old"
	InFuture         Reason = "in_future"
	UnknownValue     Reason = "unknown_value"
	BadStructure     Reason = "bad_structure"
)

// What is found out later about a record that reads well.
const (
	KeyConflict       Reason = "key_conflict"
	Overlap           Reason = "overlap"
	UnknownSubscriber Reason = "unknown_subscriber"
	ServiceInactive   Reason = "service_inactive"
	NoTariff          Reason = "no_tariff"
	NoPrice           Reason = "no_price"
	NotEnoughBalance  Reason = "not_enough_balance"
	PastWindow        Reason = "past_correction_window"
	RatingFailed      Reason = "rating_failed"
	CounterWentBack   Reason = "counter_went_back"
)

// Advice tells a person what a reason means and what to do about it.
type Advice struct {
	Reason Reason
	Means  string
	Do     string
}

// Reasons is the closed list, in the order in which the checks are made.
var Reasons = []Advice{
	{UnfinishedLine, "The file ends in the middle of this line, so it may be half-written.", "Send the file again when its writer has finished it, or complete the line here."},
	{WrongEncoding, "The text is not UTF-8.", "Have the producer write UTF-8, or correct the characters here."},
	{NULByte, "The line holds a zero byte, as files do after a crash of the machine that wrote them.", "Ask the producer for the original line; remove the zero bytes if nothing is lost."},
	{LineTooLong, "The line is longer than 64 KiB and was passed over.", "Look at the file: a line break is missing, or it is not the declared format."},
	{BadQuote, "A quote is opened and not closed, or stands inside a field.", "Put the quote right and run the line again."},
	{WrongColumns, "The line has another number of fields than the mapping declares.", "Compare the mapping's columns with the file; correct the one that is wrong."},
	{MissingField, "A field that is needed is empty or absent.", "Fill in the field and run the line again."},
	{BadNumber, "A number cannot be read as a whole number.", "Correct the number and run the line again."},
	{NegativeQuantity, "A quantity or duration is below zero.", "Ask the producer for the right figure; its clock may have been set back."},
	{CounterOverflow, "A counter is larger than it can be.", "Ask the producer for the right figure; octets are below 4,294,967,296 and gigawords counted apart."},
	{BadTime, "A time cannot be read by the declared layout, or does not exist in the declared zone.", "Correct the time, or the mapping's layout or zone, and run it again."},
	{EndBeforeStart, "The use ends before it begins.", "Correct the times and run it again."},
	{TooOld, "The use is older than the source's declared greatest age.", "Check the producer's clock. If the date is true, raise the source's max_age_days and run it again."},
	{InFuture, "The use lies more than a day in the future.", "Check the producer's clock and correct the date."},
	{UnknownValue, "A value is not one of those the mapping knows.", "Add the value to the mapping or correct it, and run it again."},
	{BadStructure, "The text is not what the format asks for: a broken JSON object, or a line that is no attribute.", "Correct the text and run it again."},
	{KeyConflict, "This id was accepted before with other contents. Nothing was changed.", "If this is a correction, void the first record; if it is another use, give it an id of its own."},
	{Overlap, "A line with exactly these contents came in another file of this source, and the source gives no ids.", "If the files overlap, discard it. If it is truly a second use, run it again as new."},
	{UnknownSubscriber, "No service has this identity at the time of use.", "Correct the identity, or connect the service from that time, and run it again."},
	{ServiceInactive, "The service was not active at the time of use.", "Check why it was used; correct the service's dates or discard the use."},
	{NoTariff, "The service had no tariff for this kind of use at that time.", "Publish or assign an offering that prices it, and run it again."},
	{NoPrice, "No rule of the tariff fits this destination, time or quantity.", "Add the missing price to the offering, publish it, and run it again."},
	{NotEnoughBalance, "The use costs more than the prepaid balance and its credit limit.", "Top up or raise the limit and run it again, or write the use off by discarding it."},
	{PastWindow, "The use belongs to a period that may no longer be corrected.", "Decide whether to discard it or to open the correction window."},
	{RatingFailed, "The use could not be priced because of an inner fault.", "Run it again; if it stays, report it with this item's id."},
	{CounterWentBack, "A session that had ended counts again from the start under the same id.", "Ask the network for the session's true records; charge the rest by hand."},
}

// Describe finds what a reason means. An unknown reason is a bug of the caller
// and is told as such.
func Describe(r Reason) (Advice, bool) {
	for _, a := range Reasons {
		if a.Reason == r {
			return a, true
		}
	}
	return Advice{}, false
}
