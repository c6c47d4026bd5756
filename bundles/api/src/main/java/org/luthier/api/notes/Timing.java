package org.luthier.api.notes;

/**
 * Wall-clock seconds of the disjoint phases of a job. Where workers run several phases at once, their common time is divided in
 * proportion to the work, so that the phases never add up to more than the total.
 *
 * @param load reading the audio and, the first time, the weights
 * @param frontend features
 * @param encoder encoder, or the whole network of a frame model
 * @param decoder search
 * @param notes assembling notes
 * @param total from the start of the job to its end
 */
public record Timing(double load, double frontend, double encoder, double decoder, double notes, double total) {}
