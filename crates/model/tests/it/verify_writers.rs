//! Whether the only writer is in the target, over every state that the target and the source may tell.

use crate::common::{cluster, database, described, east, eastward, third, west, westward};
use lifeboat_model::decide::verify_writers;
use lifeboat_model::evidence::{
    GlobalDatabase, LocalCluster, Member, Operation, OperationPhase, Status, Synchronization,
};
use lifeboat_model::{Arn, ReasonCode, Region};

fn in_region(region: &Region) -> Arn {
    database().clusters.get(region).expect("a cluster in each of the plan's Regions").clone()
}

/// Each subset of the source, the target and a third member as writers.
fn every_membership() -> Vec<Vec<Member>> {
    let clusters = [in_region(&east()), in_region(&west()), cluster(&third(), "catalog")];
    let members = |writers: u8| {
        let member = |(cluster, bit): (&Arn, u8)| Member {
            cluster: cluster.clone(),
            is_writer: writers & bit != 0,
            synchronization: Synchronization::Unknown,
        };
        clusters.iter().zip([1, 2, 4]).map(member).collect()
    };
    (0..8).map(members).chain([Vec::new()]).collect()
}

fn every_state() -> Vec<GlobalDatabase> {
    let good = described(&database(), &west(), &west());
    let under_way = |to: &Region, phase| Some(Operation { phase, to: in_region(to) });
    let operations = [
        None,
        under_way(&west(), OperationPhase::SwitchingOver),
        under_way(&east(), OperationPhase::Cancelling),
        under_way(&west(), OperationPhase::Other("new-word".to_owned())),
    ];
    let local = |region: &Region, status: &str, instances| {
        Some(LocalCluster { cluster: in_region(region), status: Status::from_aws(status), instances })
    };
    let locals = [
        local(&west(), "available", 1),
        local(&west(), "available", 0),
        local(&west(), "promoting", 1),
        local(&east(), "available", 1),
        None,
    ];
    let mut states = Vec::new();
    for members in every_membership() {
        for operation in &operations {
            for local in &locals {
                for status in ["available", "modifying", ""].map(Status::from_aws) {
                    let (members, operation, local) = (members.clone(), operation.clone(), local.clone());
                    states.push(GlobalDatabase { members, operation, local, status, ..good.clone() });
                }
            }
        }
    }
    states
}

/// The source is not heard, or tells of each set of writers.
fn every_source() -> Vec<Option<GlobalDatabase>> {
    let state = described(&database(), &east(), &west());
    let told = every_membership().into_iter().map(|members| Some(GlobalDatabase { members, ..state.clone() }));
    [None].into_iter().chain(told).collect()
}

fn writers(state: &GlobalDatabase) -> Vec<&Arn> {
    state.members.iter().filter(|m| m.is_writer).map(|m| &m.cluster).collect()
}

#[test]
fn s3_writers_are_verified_only_when_the_target_alone_writes_and_nobody_says_otherwise() {
    let (target, sources) = (in_region(&west()), every_source());
    let (mut cases, mut verified) = (0, 0);
    for in_target in every_state() {
        for in_source in &sources {
            let got = verify_writers(&database(), &westward(), &in_target, in_source.as_ref());
            let ready = in_target
                .local
                .as_ref()
                .is_some_and(|l| l.cluster == target && l.status == Status::Available && l.instances > 0);
            let alone = writers(&in_target) == [&target];
            let quiet = in_target.operation.is_none() && in_target.status == Status::Available;
            let denied = in_source.as_ref().is_some_and(|s| writers(s).iter().any(|w| **w != target));
            assert_eq!(got.is_none(), ready && alone && quiet && !denied, "{in_target:?} {in_source:?} {got:?}");
            if let Some(reason) = &got {
                assert_eq!(
                    (reason.code, reason.resource.as_str()),
                    (ReasonCode::WriterNotVerified, "database catalog")
                );
            }
            cases += 1;
            verified += u32::from(got.is_none());
        }
    }
    assert_eq!((cases, verified), (9 * 4 * 5 * 3 * 10, 4), "unheard, none, the target alone, no members");
}

#[test]
fn s9_a_database_without_a_cluster_in_the_target_is_not_verified() {
    let mut database = database();
    let in_target = described(&database, &west(), &west());
    database.clusters.remove(&west());
    let got = verify_writers(&database, &westward(), &in_target, None).map(|r| r.code);
    assert_eq!(got, Some(ReasonCode::WriterNotVerified));
}

#[test]
fn s3_the_direction_decides_which_cluster_has_to_write() {
    let (in_west, in_east) = (described(&database(), &west(), &west()), described(&database(), &east(), &east()));
    assert_eq!(verify_writers(&database(), &westward(), &in_west, None), None);
    assert_eq!(verify_writers(&database(), &eastward(), &in_east, None), None);
    assert!(verify_writers(&database(), &eastward(), &in_west, None).is_some());
    assert!(verify_writers(&database(), &westward(), &in_east, None).is_some());
}

#[test]
fn what_is_wrong_is_said_in_words() {
    type Spoil = fn(&mut GlobalDatabase);
    let table: [(&str, Spoil); 5] = [
        ("the writer is [catalog-us-east-1], not catalog-us-west-2", |s| *s = described(&database(), &west(), &east())),
        ("the writer is [], not catalog-us-west-2", |s| s.members.clear()),
        ("the global cluster is upgrading", |s| s.status = Status::from_aws("upgrading")),
        ("catalog-us-west-2 is not available with an instance", |s| s.local = None),
        ("an operation towards catalog-us-east-1 is still under way", |s| {
            s.operation = Some(Operation { phase: OperationPhase::Pending, to: in_region(&east()) });
        }),
    ];
    for (expected, spoil) in table {
        let mut state = described(&database(), &west(), &west());

        spoil(&mut state);
        let got = verify_writers(&database(), &westward(), &state, None);
        assert_eq!(got.map(|r| r.detail).as_deref(), Some(expected));
    }
    let source = described(&database(), &east(), &east());
    let got = verify_writers(&database(), &westward(), &described(&database(), &west(), &west()), Some(&source));
    assert_eq!(got.map(|r| r.detail).as_deref(), Some("the source's control plane still names another writer"));
}
