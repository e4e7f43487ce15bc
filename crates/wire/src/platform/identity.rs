//! STS: who one is here.

use async_trait::async_trait;
use http::StatusCode;

use super::ACCOUNT;
use crate::face::Service;
use crate::reply::Reply;
use crate::request::Request;

/// STS.
pub struct IdentityService;

#[async_trait(?Send)]
impl Service for IdentityService {
    async fn serve(&self, request: &Request) -> Reply {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
        let action = parameters.iter().find(|(name, _)| name == "Action").map_or("", |(_, action)| action.as_str());
        let namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
        if action != "GetCallerIdentity" {
            return super::notices::refused(
                StatusCode::BAD_REQUEST,
                namespace,
                ("InvalidAction", &format!("the simulator does not serve {action}")),
            );
        }
        let body = format!(
            "<GetCallerIdentityResponse xmlns=\"{namespace}\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/simulated</Arn><UserId>AIDASIMULATED</UserId><Account>{ACCOUNT}</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>sts</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        Reply::new(StatusCode::OK, "text/xml", body)
    }
}
