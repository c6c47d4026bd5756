package org.luthier.workbench;

import org.luthier.api.notes.Timing;

/** The wall-clock time of a job, divided into disjoint phases. Used by the job's own thread. */
final class Phases {
    /** What a job spends its time on. */
    enum Phase {
        LOAD,
        FRONTEND,
        ENCODER,
        DECODER,
        NOTES
    }

    private final long begin = System.nanoTime();
    private final double[] seconds = new double[Phase.values().length];

    /** A moment to measure from. */
    static long now() {
        return System.nanoTime();
    }

    /** Adds the time since a moment. */
    void add(Phase phase, long since) {
        seconds[phase.ordinal()] += (System.nanoTime() - since) / 1e9;
    }

    /** Divides the time since a moment between two phases that workers ran side by side, by the work spent on each. */
    void divide(Phase first, long firstWork, Phase second, long secondWork, long since) {
        double wall = (System.nanoTime() - since) / 1e9;
        double share = (double) firstWork / Math.max(1, firstWork + secondWork);
        seconds[first.ordinal()] += wall * share;
        seconds[second.ordinal()] += wall * (1 - share);
    }

    /** The times so far. */
    Timing timing() {
        return new Timing(
                seconds[Phase.LOAD.ordinal()],
                seconds[Phase.FRONTEND.ordinal()],
                seconds[Phase.ENCODER.ordinal()],
                seconds[Phase.DECODER.ordinal()],
                seconds[Phase.NOTES.ordinal()],
                (System.nanoTime() - begin) / 1e9);
    }
}
