package org.luthier.api;

/** Asked regularly by long work: should it stop? May be asked from several threads. */
@FunctionalInterface
public interface Cancellation {
    /** Never cancels. */
    Cancellation NONE = () -> false;

    /** Whether the work should stop as soon as it can. */
    boolean requested();

    /** Returns at once, or ends the work.
     *
     * @throws CancelledException if cancelling was requested */
    default void check() {
        if (requested()) {
            throw new CancelledException();
        }
    }
}
