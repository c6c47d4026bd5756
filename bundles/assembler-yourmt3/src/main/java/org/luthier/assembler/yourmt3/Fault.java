package org.luthier.assembler.yourmt3;

/** What the reference counts as wrong while it makes notes. */
enum Fault {
    /** A tied pitch before any program. */
    TIE_WITHOUT_PROGRAM,
    /** A segment without a tie, which is left out as a whole. */
    NO_TIE,
    /** A shift that goes nowhere. */
    SHIFT_OUT_OF_RANGE,
    /** A second tie, before time has moved. */
    TIE_AGAIN,
    /** A second tie, later. */
    TIE_LATE,
    /** A pitch before any program. */
    NO_PROGRAM,
    /** A pitch before any velocity. */
    NO_VELOCITY,
    /** An end of what was neither tied nor started in the segment. */
    END_WITHOUT_START,
    /** An event that has no meaning here. */
    UNKNOWN_EVENT,
    /** A note that sounded at the end of a segment and that the next one does not tie. */
    NOT_TIED,
    /** An end of a note that never started, or was ended before. */
    NO_ONSET,
    /** A note of more than ten seconds. */
    TOO_LONG
}
