package org.luthier.debug.cause;

/**
 * A computation with one thing changed.
 *
 * @param fault what it is called if it is this run that does so
 * @param reverse what it is called if it is the reference that does so, and this run what is usual
 * @param odd what is done
 * @param usual what the model's computation does instead
 * @param advice what to try
 * @param field what comes out
 */
record Variant(String fault, String reverse, String odd, String usual, String advice, Field field) {
    /** A fault that is called the same on either side. */
    Variant(String fault, String odd, String usual, String advice, Field field) {
        this(fault, fault, odd, usual, advice, field);
    }

    /** The cause in one line. */
    String cause(boolean byReference) {
        return (byReference ? reverse : fault) + ": this run has " + (byReference ? usual : odd) + ", the reference "
                + (byReference ? odd : usual);
    }
}
