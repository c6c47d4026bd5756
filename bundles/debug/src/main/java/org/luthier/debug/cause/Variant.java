package org.luthier.debug.cause;

import java.util.function.UnaryOperator;

/**
 * A computation with one thing changed.
 *
 * @param fault what it is called if it is this run that does so
 * @param reverse what it is called if it is the reference that does so, and this run what is usual
 * @param odd what is done
 * @param usual what the model's computation does instead
 * @param advice what to try if it is this run that does so
 * @param reverseAdvice what to try if it is the reference that does so
 * @param field what comes out
 */
record Variant(
        String fault, String reverse, String odd, String usual, String advice, String reverseAdvice, Field field) {
    /** One of what may be in the code of either side or in its weights: the advice is the same. */
    Variant(String fault, String reverse, String odd, String usual, String advice, Field field) {
        this(fault, reverse, odd, usual, advice, advice, field);
    }

    /** A fault that is called the same on either side. */
    Variant(String fault, String odd, String usual, String advice, Field field) {
        this(fault, fault, odd, usual, advice, field);
    }

    /** The same of what no weights have a part in, so that it is the reference's own fault if the reference does so. */
    Variant ofCode() {
        return new Variant(fault, reverse, odd, usual, advice, "in the reference: " + advice, field);
    }

    /** The same with what is made of its field. */
    Variant with(UnaryOperator<Field> onward) {
        return new Variant(fault, reverse, odd, usual, advice, reverseAdvice, onward.apply(field));
    }

    /** What to try. */
    String advice(boolean byReference) {
        return byReference ? reverseAdvice : advice;
    }

    /** The cause in one line. */
    String cause(boolean byReference) {
        return (byReference ? reverse : fault) + ": this run has " + (byReference ? usual : odd) + ", the reference "
                + (byReference ? odd : usual);
    }
}
