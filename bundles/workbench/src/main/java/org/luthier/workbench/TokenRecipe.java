package org.luthier.workbench;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Samples to segments to tokens to events to notes. The segments are cut into groups of neighbours; each worker takes the next group,
 * encodes it and decodes its rows together. Notes are made in the order of time as soon as all before them is there, so that the
 * result depends neither on the workers nor on the groups, and nothing but samples and tokens is kept of the recording.
 *
 * @param assembly used up by the job
 * @param remarks what was found when the parts were joined
 */
record TokenRecipe(
        TokenModel model,
        Tokenizer tokenizer,
        Decoder decoder,
        Settings decoderSettings,
        TokenNoteAssembler.Assembly assembly,
        List<String> remarks)
        implements Recipe {
    /** Rows that a worker decodes together unless told: more are hardly faster a row, and each needs its memory. */
    private static final int MOST_ROWS = 40;

    /** Gives a session what the next segments are decoded from. Used by one worker. */
    interface Feed extends AutoCloseable {
        /** Begins the session with some segments. */
        void begin(Position at, Session session, Phases.Work work);

        @Override
        void close();
    }

    /** Opens the feed of a worker. */
    @FunctionalInterface
    interface Feeds {
        /** @param rows most segments at once
         * @param probe for whatever the feed computes */
        Feed open(int rows, Probe probe);
    }

    @Override
    public Outcome transcribe(Source source, Run run) {
        Recording recording = source.read(model.frontend().framing().sampleRate());
        float[] samples = recording.samples();
        Keeper keeper = run.listeners().keeper();
        if (keeper != null) {
            keeper.begin(model.layout());
        }
        return decode(
                model.frontend().framing().segments(samples.length),
                (rows, probe) -> new Samples(new SegmentFeatures(model.frontend(), samples, rows), probe, keeper),
                recording.facts(),
                recording.seconds(),
                run);
    }

    /**
     * Makes notes of what sessions are fed.
     *
     * @param count segments of the recording
     * @param audio what the file was
     * @param seconds length of the recording
     */
    Outcome decode(int count, Feeds feeds, AudioFacts audio, double seconds, Run run) {
        Segments segments = new Segments(count, feeds, run);
        long begin = Phases.now();
        Workers.run(run.name() + "-worker", segments.workers(), run.cancellation(), segments::work);
        run.phases().divide(segments.work, begin);
        begin = Phases.now();
        Outcome outcome = segments.notes.finish(audio, seconds, remarks);
        run.phases().add(Phases.Phase.NOTES, begin);
        return outcome;
    }

    /** Feeds the segments of a recording, through the front end. */
    private record Samples(SegmentFeatures frontend, Probe probe, Keeper keeper) implements Feed {
        @Override
        public void begin(Position at, Session session, Phases.Work work) {
            long begin = Phases.now();
            // [segments, feature shape...]
            INDArray features = frontend.of(at, probe);
            begin = work.add(Phases.Phase.FRONTEND, begin);
            session.begin(features, at);
            if (keeper != null) {
                keeper.keep(at, features, session.encoded());
            }
            work.add(Phases.Phase.ENCODER, begin);
        }

        @Override
        public void close() {
            frontend.close();
        }
    }

    /** The first segment of a group; the sizes of groups differ by one at most. */
    static int firstSegment(int group, int groups, int segments) {
        return (int) ((long) segments * group / groups);
    }

    /**
     * How many groups the segments are cut into.
     *
     * @param channels rows of each segment
     * @param batch most segments of a group, or null to give every worker its share, in several rounds if need be
     */
    static int groups(int segments, int channels, int workers, Integer batch) {
        if (batch != null) {
            return (segments - 1) / batch + 1;
        }
        long aRound = (long) workers * Math.max(1, MOST_ROWS / channels);
        return (int) Math.min(segments, ((segments - 1) / aRound + 1) * workers);
    }

    /** The segments of a recording, dealt out to the workers in groups. */
    private final class Segments {
        private final int count;
        private final Feeds feeds;
        private final Run run;
        private final int groups;
        private final TokenNotes notes;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final Phases.Work work = new Phases.Work();

        private Segments(int count, Feeds feeds, Run run) {
            this.count = count;
            this.feeds = feeds;
            this.run = run;
            this.groups = groups(count, model.layout().channels(), run.workers(), run.batch());
            this.notes = new TokenNotes(
                    model, tokenizer, assembly, count, run.listeners().notes());
        }

        private int workers() {
            return Math.min(run.workers(), groups);
        }

        /** What one worker does. */
        private void work(Cancellation stop) {
            int rows = (count - 1) / groups + 1;
            Probe probe = new Stopper(stop);
            try (Feed feed = feeds.open(rows, probe);
                    Session session = model.open(rows, probe)) {
                for (int group = next.getAndIncrement(); group < groups; group = next.getAndIncrement()) {
                    stop.check();
                    int first = firstSegment(group, groups, count);
                    int size = firstSegment(group + 1, groups, count) - first;
                    feed.begin(Position.segments(first, size), session, work);
                    List<IntList> ids = decode(size, session, stop);
                    long begin = Phases.now();
                    notes.add(first, ids);
                    work.add(Phases.Phase.NOTES, begin);
                }
            }
        }

        private List<IntList> decode(int size, Session session, Cancellation stop) {
            long begin = Phases.now();
            int channels = model.layout().channels();
            Decoder.Limits limits =
                    new Decoder.Limits(tokenizer.vocabulary(), model.layout().maxTokens());
            Finished finished = new Finished(size);
            // Decoders ask every step, which is the moment to see how many rows are left.
            Cancellation everyStep = () -> {
                finished.left((session.rows() + channels - 1) / channels);
                return stop.requested();
            };
            List<IntList> ids = decoder.decode(session, limits, tokenizer::grammar, decoderSettings, everyStep);
            if (ids.size() != size * channels) {
                throw new LuthierException("decoder " + decoder.id() + " gave " + ids.size() + " rows of tokens for "
                        + size * channels + "; choose another with --decoder");
            }
            finished.left(0);
            work.add(Phases.Phase.DECODER, begin);
            return ids;
        }

        /** Counts the segments of a group that have left it. */
        private final class Finished {
            private final int size;
            private int told;

            private Finished(int size) {
                this.size = size;
            }

            /** A search may have more rows than segments: then nothing is known of them before the end. */
            private void left(int segmentsLeft) {
                int more = size - segmentsLeft - told;
                if (more > 0) {
                    told += more;
                    run.listeners().progress().update("segments", done.addAndGet(more), count);
                }
            }
        }
    }

    /** Wants nothing, and ends a pass through the model between two layers when the job is to stop. */
    private record Stopper(Cancellation stop) implements Probe {
        @Override
        public boolean wants(String name) {
            stop.check();
            return false;
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            throw new IllegalStateException("tapped unasked: " + name);
        }
    }
}
