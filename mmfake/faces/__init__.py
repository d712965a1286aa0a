"""Finding, following and cutting out the faces of a video."""

from .build_detector import DETECTORS, build_detector
from .center_face_detector import CenterFaceDetector
from .choose_person import choose_person, rank_people
from .continue_track import continue_track
from .crop_frames import crop_frames
from .crop_square import crop_square
from .cut_finder import CutFinder
from .dlib_detector import DlibDetector
from .face_detector import FaceDetector
from .face_search import FaceSearch, FaceWindow
from .face_settings import FaceSettings
from .face_track import FaceTrack
from .face_tracker import FaceTracker
from .faces import Faces
from .smooth_track import smooth_track
from .square_boxes import square_boxes
from .yunet_detector import YuNetDetector

__all__ = [
    'DETECTORS',
    'CenterFaceDetector',
    'CutFinder',
    'DlibDetector',
    'FaceDetector',
    'FaceSearch',
    'FaceSettings',
    'FaceTrack',
    'FaceTracker',
    'FaceWindow',
    'Faces',
    'YuNetDetector',
    'build_detector',
    'choose_person',
    'continue_track',
    'crop_frames',
    'crop_square',
    'rank_people',
    'smooth_track',
    'square_boxes',
]
