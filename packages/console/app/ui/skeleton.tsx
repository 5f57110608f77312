/** Where an answer of the broker will be. */
export function Skeleton({ lines = 4, label = "Loading" }: { readonly lines?: number; readonly label?: string }) {
  return (
    <div role="status" aria-label={label} className="grid animate-pulse gap-2 py-2">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="h-4 rounded bg-raised" />
      ))}
    </div>
  );
}
