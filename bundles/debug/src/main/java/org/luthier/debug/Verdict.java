package org.luthier.debug;

/** What a comparison says of one tensor. */
public enum Verdict {
    /** Within the limits. */
    SAME("same"),
    /** Outside the limits, and everything before it is the same. */
    DEPARTED("departed"),
    /** Outside the limits, after something before it departed. */
    INHERITED("inherited"),
    /** Could not be compared; the note says why. */
    NOT_JUDGED("not-judged");

    private final String text;

    Verdict(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
