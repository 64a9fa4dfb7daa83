//! A stateful imitation of SWR, STS, IAM and a CI's token issuer on loopback.
