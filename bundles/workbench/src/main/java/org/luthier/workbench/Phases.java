package org.luthier.workbench;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
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

    /** What workers spend on phases side by side. */
    static final class Work {
        private final Map<Phase, LongAdder> nanos = new EnumMap<>(Phase.class);

        Work() {
            for (Phase phase : Phase.values()) {
                nanos.put(phase, new LongAdder());
            }
        }

        /** Adds a worker's time since a moment.
         *
         * @return the moment now, for what comes next */
        long add(Phase phase, long since) {
            long now = now();
            nanos.get(phase).add(now - since);
            return now;
        }
    }

    /** A moment to measure from. */
    static long now() {
        return System.nanoTime();
    }

    /** Adds the time since a moment. */
    void add(Phase phase, long since) {
        seconds[phase.ordinal()] += (System.nanoTime() - since) / 1e9;
    }

    /** Divides the time since a moment between the phases that workers ran side by side, by the work spent on each. */
    void divide(Work work, long since) {
        double wall = (System.nanoTime() - since) / 1e9;
        double total = Math.max(
                1, work.nanos.values().stream().mapToLong(LongAdder::sum).sum());
        work.nanos.forEach((phase, nanos) -> seconds[phase.ordinal()] += wall * (nanos.sum() / total));
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
