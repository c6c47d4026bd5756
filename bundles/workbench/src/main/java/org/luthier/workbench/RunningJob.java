package org.luthier.workbench;

import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Transcription;

/** A job from its start to its end; afterwards it holds its result only, and nothing of a plug-in. */
final class RunningJob implements Job, Cancellation {
    private final TranscriptionRequest request;
    private final Cancellation outside;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean cancelled;
    private volatile LuthierException abortReason;
    private volatile State state = State.RUNNING;
    private Transcription result;
    private Throwable trouble;

    /** @param outside asked besides {@link #cancel} */
    RunningJob(TranscriptionRequest request, Cancellation outside) {
        this.request = request;
        this.outside = outside;
    }

    @Override
    public TranscriptionRequest request() {
        return request;
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    /** Ends the job with an error. */
    void abort(LuthierException reason) {
        abortReason = reason;
    }

    @Override
    public boolean requested() {
        return cancelled || abortReason != null || outside.requested();
    }

    /** Does the work and keeps what comes of it. Throws nothing. */
    void run(Supplier<Transcription> work) {
        try {
            result = work.get();
            state = State.DONE;
            ended.countDown();
        } catch (Throwable e) {
            fail(e);
        }
    }

    /** Ends the job without a result. */
    void fail(Throwable e) {
        trouble = translate(e);
        state = trouble instanceof CancelledException ? State.CANCELLED : State.FAILED;
        ended.countDown();
    }

    @Override
    public Transcription await() {
        awaitEnd();
        return outcome();
    }

    /** Waits for the end, whatever it is. */
    void awaitEnd() {
        boolean interrupted = false;
        while (true) {
            try {
                ended.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
                cancel();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What came of a job that has ended. */
    Transcription outcome() {
        if (trouble instanceof RuntimeException e) {
            throw e;
        }
        if (trouble instanceof Error e) {
            throw e;
        }
        return result;
    }

    private Throwable translate(Throwable trouble) {
        if (abortReason != null) {
            return abortReason;
        }
        if (trouble instanceof OutOfMemoryError) {
            // Work without audio is done on what was kept of some.
            String subject = request.audio() == null
                    ? "the job"
                    : String.valueOf(request.audio().getFileName());
            return new LuthierException(
                    "not enough memory for " + subject + " in a heap of "
                            + (Runtime.getRuntime().maxMemory() >> 20)
                            + " MB; give more with --heap, or cut the recording (an hour needs about 1.2 GB)",
                    trouble);
        }
        if (requested()) {
            // Whatever broke while the work was being stopped is not what a user asks about.
            return new CancelledException();
        }
        return trouble;
    }
}
