package org.luthier.debug.faults;

import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Model;
import org.luthier.debug.LayerTree;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.debug.cause.Cause;
import org.luthier.debug.cause.Causes;
import org.luthier.debug.faults.Fault.Injection;

/**
 * What the debugger said of a fault.
 *
 * @param located the tensor that departs first; null if none does
 * @param found causes of all that departs
 */
record Outcome(Subject subject, Fault fault, String located, List<Cause> found) {
    private static final String ALSO = "; as well fits: ";

    /** Compares a run with the fault with the healthy one. */
    static Outcome of(Subject subject, Fault fault) {
        List<Injection> faults = List.of(fault.injection());
        Reference reference = subject.reference();
        try (Model model = subject.load(faults)) {
            Reference trace = new Tracer(model, fault.cached())
                    .trace(new TraceInput.Recorded(reference, null), NameGlob.ALL, Cancellation.NONE);
            TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
            return new Outcome(
                    subject, fault, diff.first(), causes(subject, faults, model).of(diff.departed(), trace, reference));
        }
    }

    /** Who knows the weights that a model has with some faults. */
    static Causes causes(Subject subject, List<Injection> faults, Model model) {
        return new Causes(
                LayerTree.of(model).graph().computations(),
                subject.faulty(faults).source(),
                Thresholds.FLOAT32);
    }

    /** Those of the first tensor, the likeliest first. */
    List<Cause> causes() {
        return found.stream().filter(cause -> cause.layer().equals(located)).toList();
    }

    boolean isLocated() {
        return fault.located().equals(located);
    }

    /** The likeliest cause, without what it is of; a dash where there is none. */
    String named() {
        return causes().isEmpty()
                ? "-"
                : causes().get(0).cause().replaceAll("[:(].*", "").strip();
    }

    /** Place of the right cause among all that fit, from 1; 0 if it is not among them. */
    int rank() {
        List<Cause> causes = causes();
        for (int i = 0; i < causes.size(); i++) {
            String cause = causes.get(i).cause();
            if (cause.startsWith(fault.cause())) {
                return i + 1;
            }
            int also = cause.indexOf(ALSO);
            if (also >= 0 && cause.substring(also).contains(fault.cause())) {
                return i + 2;
            }
        }
        return 0;
    }

    @Override
    public String toString() {
        return fault.id() + " of " + subject.name() + ": " + fault.what() + ", expected " + fault.located() + ": "
                + fault.cause() + ", got " + located + ": "
                + found.stream().map(Cause::toString).toList();
    }
}
