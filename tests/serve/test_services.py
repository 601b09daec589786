"""Every method that a contract names is served by code of ours: what protoc generates answers with a traceback."""

import pytest
from google.longrunning import operations_pb2_grpc as lro_grpc

from privacy.inference import open_inference_pb2_grpc as inference_grpc
from privacy.serve.audit_servicer import AuditService, Operations
from privacy.serve.camera_servicer import CameraService
from privacy.serve.inference import InferenceService
from privacy.serve.report_servicer import ReportService
from privacy.serve.servicer import EnforcementService
from privacy.v1 import audit_service_pb2_grpc as audits_grpc
from privacy.v1 import camera_service_pb2_grpc as cameras_grpc
from privacy.v1 import enforcement_service_pb2_grpc as enforcement_grpc
from privacy.v1 import report_service_pb2_grpc as reports_grpc


@pytest.mark.parametrize(
    ("ours", "contract"),
    [
        (EnforcementService, enforcement_grpc.EnforcementServiceServicer),
        (CameraService, cameras_grpc.CameraServiceServicer),
        (ReportService, reports_grpc.ReportServiceServicer),
        (AuditService, audits_grpc.AuditServiceServicer),
        (Operations, lro_grpc.OperationsServicer),
        (InferenceService, inference_grpc.GRPCInferenceServiceServicer),
    ],
)
def test_every_method_of_a_contract_is_ours(ours: type, contract: type) -> None:
    methods = [name for name in vars(contract) if not name.startswith("_")]
    assert methods
    assert [name for name in methods if getattr(ours, name) is getattr(contract, name)] == []
