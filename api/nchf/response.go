package nchf

// chargingDataResponse is the standard's ChargingDataResponse.
type chargingDataResponse struct {
	InvocationTimeStamp      string            `json:"invocationTimeStamp"`
	InvocationSequenceNumber int64             `json:"invocationSequenceNumber"`
	InvocationResult         *invocationResult `json:"invocationResult,omitempty"`
	SessionFailover          string            `json:"sessionFailover,omitempty"`
	MultipleUnitInformation  []unitInformation `json:"multipleUnitInformation,omitempty"`
}

type invocationResult struct {
	Error           *ProblemDetails `json:"error,omitempty"`
	FailureHandling string          `json:"failureHandling,omitempty"`
}

// unitInformation is the answer for one rating group.
type unitInformation struct {
	ResultCode           string               `json:"resultCode"`
	RatingGroup          int64                `json:"ratingGroup"`
	GrantedUnit          *units               `json:"grantedUnit,omitempty"`
	Triggers             []trigger            `json:"triggers,omitempty"`
	ValidityTime         int64                `json:"validityTime,omitempty"`
	QuotaHoldingTime     int64                `json:"quotaHoldingTime,omitempty"`
	FinalUnitIndication  *finalUnitIndication `json:"finalUnitIndication,omitempty"`
	TimeQuotaThreshold   int64                `json:"timeQuotaThreshold,omitempty"`
	VolumeQuotaThreshold int64                `json:"volumeQuotaThreshold,omitempty"`
}

type finalUnitIndication struct {
	FinalUnitAction string          `json:"finalUnitAction"`
	FilterID        string          `json:"filterId,omitempty"`
	RedirectServer  *redirectServer `json:"redirectServer,omitempty"`
}

type redirectServer struct {
	RedirectAddressType   string `json:"redirectAddressType"`
	RedirectServerAddress string `json:"redirectServerAddress"`
}

// ProblemDetails is the error document of TS 29.571.
type ProblemDetails struct {
	Type          string         `json:"type,omitempty"`
	Title         string         `json:"title,omitempty"`
	Status        int            `json:"status,omitempty"`
	Detail        string         `json:"detail,omitempty"`
	Instance      string         `json:"instance,omitempty"`
	Cause         string         `json:"cause,omitempty"`
	InvalidParams []InvalidParam `json:"invalidParams,omitempty"`
}

// Error lets a refusal travel as an error.
func (p *ProblemDetails) Error() string { return p.Title }

// InvalidParam names a part of a request that was refused.
type InvalidParam struct {
	Param  string `json:"param"`
	Reason string `json:"reason,omitempty"`
}

// Causes of refusals: TS 32.291, 7.3, and TS 29.500, 5.2.7.2.
const (
	ChargingFailed       = "CHARGING_FAILED"
	UserUnknown          = "USER_UNKNOWN"
	EndUserDenied        = "END_USER_REQUEST_DENIED"
	QuotaLimitReached    = "QUOTA_LIMIT_REACHED"
	NotApplicable        = "CHARGING_NOT_APPLICABLE"
	MandatoryIEMissing   = "MANDATORY_IE_MISSING"
	MandatoryIEIncorrect = "MANDATORY_IE_INCORRECT"
	OptionalIEIncorrect  = "OPTIONAL_IE_INCORRECT"
	InvalidMsgFormat     = "INVALID_MSG_FORMAT"
	ReferenceUnknown     = "CONTEXT_NOT_FOUND"
	Congestion           = "NF_CONGESTION"
	SystemFailure        = "SYSTEM_FAILURE"
)

// Result codes of a rating group.
const (
	success           = "SUCCESS"
	endUserDenied     = "END_USER_SERVICE_DENIED"
	quotaLimitReached = "QUOTA_LIMIT_REACHED"
	ratingFailed      = "RATING_FAILED"
)
