//! Asks Huawei Cloud SWR to copy pushed image tags to other regions.
