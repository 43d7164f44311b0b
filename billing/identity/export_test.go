package identity

// SendFloor is how long an answer that tells nothing takes at least.
const SendFloor = sendFloor
