//! The reports as a whole: snapshots of every dialect from the same outcomes, and hostile text in every foreign field,
//! read back by readers that follow the CI systems and share no code with the dialects.

mod defect;
mod fixtures;
mod hostile;
mod limits;
mod readers;
mod snapshots;
